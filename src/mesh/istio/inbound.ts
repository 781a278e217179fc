import { appAddressAnnotation, type Pod, reachablePort } from '../../api/index.ts'
import type { InboundListener, ServiceIdentity, UnixSocket } from '../model/index.ts'
import { isIntercepted } from './interception.ts'
import { protocolOf, type RegisteredService } from './registry.ts'
import type { Scope } from './scope.ts'
import type { Security } from './security.ts'
import { protocolNamed } from './supported-port.ts'
import { type IngressSpec, socketPathOf } from './supported-sidecar.ts'
import { labelsContain, namespaceOf } from './workload.ts'

/** The Services that lead to a pod. */
export type ServicesOf = (pod: Pod) => readonly RegisteredService[]

export interface InboundInput {
  readonly pod: Pod
  readonly address: string
  readonly scope: Pick<Scope, 'ingress' | 'sidecar'>
  readonly servicesOf: ServicesOf
  readonly security: Pick<Security, 'mutualTlsOf'>
}

/** A port where others reach the pod. */
interface InboundPort extends Pick<InboundListener, 'protocol' | 'service' | 'origins'> {
  readonly number: number
  /** Where the program is in the pod. */
  readonly target: { readonly port: number; readonly isLoopback: boolean } | UnixSocket
}

/**
 * The ports that the workload's Sidecar names; without one every port that a Service leads to or that a container
 * declares. Without an application address nothing is in between.
 */
export function inboundListeners(input: InboundInput): readonly InboundListener[] {
  const { pod, address, scope, security } = input
  const programs = programAddresses(pod, address)
  if (programs === undefined) return []
  const listeners = new Map<number, InboundListener>()
  const ports = scope.ingress.length === 0 ? derivedPorts(input) : namedPorts(input)
  for (const { number, target, ...rest } of ports) {
    const bind = { address, port: reachablePort(address, number) }
    if (listeners.has(bind.port)) continue
    const application = applicationAt(target, programs)
    listeners.set(bind.port, { bind, application, ...rest, mutualTls: security.mutualTlsOf(pod, number) })
  }
  return [...listeners.values()].sort((left, right) => left.bind.port - right.bind.port)
}

function applicationAt(target: InboundPort['target'], programs: Programs): InboundListener['application'] {
  if ('path' in target) return target
  const program = target.isLoopback ? programs.loopback : programs.own
  return { address: program, port: reachablePort(programs.own, target.port) }
}

interface Programs {
  readonly own: string
  readonly loopback: string
}

/** Where connections are intercepted, the program has the pod's address; else it has one to itself in place of both. */
function programAddresses(pod: Pod, address: string): Programs | undefined {
  if (isIntercepted(pod)) return { own: address, loopback: '127.0.0.1' }
  const own = pod.metadata.annotations?.[appAddressAnnotation]
  return own === undefined ? undefined : { own, loopback: own }
}

function derivedPorts({ pod, servicesOf }: InboundInput): readonly InboundPort[] {
  const declared = declaredPorts(pod).map((port) => ({
    ...direct(port.containerPort),
    protocol: protocolOf(port, port.containerPort),
  }))
  return [...servedPorts(pod, servicesOf(pod)), ...declared]
}

const direct = (number: number) => ({ number, target: { port: number, isLoopback: false } })

const servedPorts = (pod: Pod, services: readonly RegisteredService[]) =>
  services.flatMap((service) =>
    service.ports.flatMap(({ spec, protocol }) => {
      const number = targetPortOf(pod, spec.targetPort ?? spec.port)
      return number === undefined ? [] : [{ ...direct(number), protocol, service: service.identity }]
    }),
  )

function namedPorts({ pod, scope, servicesOf }: InboundInput): readonly InboundPort[] {
  const services = new Map<number, ServiceIdentity>(
    servedPorts(pod, servicesOf(pod))
      .toReversed()
      .map(({ number, service }) => [number, service]),
  )
  return scope.ingress.map(({ port: { number, protocol }, defaultEndpoint }) => {
    const service = services.get(number)
    return {
      number,
      protocol: protocolNamed(protocol),
      ...(service === undefined ? {} : { service }),
      ...(scope.sidecar === undefined ? {} : { origins: [scope.sidecar] }),
      target: targetOf(defaultEndpoint) ?? direct(number).target,
    }
  })
}

function targetOf(endpoint: IngressSpec['defaultEndpoint'] = ''): InboundPort['target'] | undefined {
  const path = socketPathOf(endpoint)
  if (path !== undefined) return { path }
  const [host, port] = endpoint.split(':')
  return port === undefined ? undefined : { port: Number(port), isLoopback: host === '127.0.0.1' }
}

/** Oldest first: the first names the port in metrics. */
export function createServiceIndex(services: ReadonlyMap<string, RegisteredService>): ServicesOf {
  const key = (namespace: string, [label, value]: readonly [string, string]) => `${namespace}/${label}=${value}`
  const byLabel = Map.groupBy(services.values(), ({ identity, selector }) => {
    const [first] = Object.entries(selector)
    return first && key(identity.namespace, first)
  })
  return (pod) =>
    Object.entries(pod.metadata.labels ?? {})
      .flatMap((label) => byLabel.get(key(namespaceOf(pod), label)) ?? [])
      .filter(({ selector }) => labelsContain(pod.metadata.labels, selector))
      .sort((left, right) =>
        `${left.createdAt} ${left.identity.host}` < `${right.createdAt} ${right.identity.host}` ? -1 : 1,
      )
}

const declaredPorts = (pod: Pod) =>
  pod.spec.containers.flatMap(({ ports = [] }) => ports).filter(({ protocol = 'TCP' }) => protocol === 'TCP')

const targetPortOf = (pod: Pod, target: number | string): number | undefined =>
  typeof target === 'number' ? target : declaredPorts(pod).find(({ name }) => name === target)?.containerPort

import { z } from 'zod'
import { type Protocol, rootNamespace } from '../../model/index.ts'
import { fieldAt, fieldsOf } from '../fields.ts'
import { serviceIdentity } from '../hosts.ts'
import type { Path } from '../path.ts'
import { protocolOf, saysProtocol } from '../registry.ts'
import { labelsContain } from '../workload.ts'
import type { Given } from './found.ts'

export type Labels = Readonly<Record<string, string>>

/** As `app=web, version=2`. */
export const wordsOf = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')

export interface GivenPort {
  readonly number: number
  readonly name?: string | undefined
  readonly targetPort: number | string
  readonly protocol: Protocol
  /** By its name, its `appProtocol` or its number. */
  readonly saysProtocol: boolean
}

export interface GivenService extends Given {
  /** Its full name. */
  readonly host: string
  readonly selector: Labels
  readonly ports: readonly GivenPort[]
}

/** A pod, or what makes pods. */
export interface GivenWorkload extends Given {
  readonly labels: Labels
  readonly annotations: Labels
  readonly ports: readonly { readonly name?: string | undefined; readonly containerPort: number }[]
  /** Of the pod's spec. */
  readonly path: readonly string[]
  readonly users: readonly { readonly path: Path; readonly user: number | undefined }[]
}

export interface GivenNamespace extends Given {
  readonly labels: Labels
}

export interface GivenCluster {
  readonly services: readonly GivenService[]
  readonly workloads: readonly GivenWorkload[]
  readonly namespaces: readonly GivenNamespace[]
}

type Entry = Given & { readonly object: unknown }

/** Kubernetes' own objects; one that cannot be read is somebody else's business. */
export const readCluster = (entries: readonly Entry[]): GivenCluster => ({
  services: entries.filter(({ key }) => key.kind === 'Service').flatMap(readService),
  workloads: entries.flatMap(readWorkload),
  namespaces: entries
    .filter(({ key, object }) => key.kind === 'Namespace' && fieldsOf(object).apiVersion === 'v1')
    .map(({ object, ...given }) => ({ ...given, labels: metadataOf(object).labels ?? {} })),
})

const servicePort = z.looseObject({
  port: z.number(),
  name: z.string().optional(),
  appProtocol: z.string().optional(),
  protocol: z.string().default('TCP'),
  targetPort: z.union([z.number(), z.string()]).optional(),
})
const labels = z.record(z.string(), z.string())
const serviceSpec = z.looseObject({ selector: labels.default({}), ports: z.array(servicePort).default([]) })

function readService({ object, ...given }: Entry): readonly GivenService[] {
  const { apiVersion, spec } = fieldsOf(object)
  const read = serviceSpec.safeParse(spec)
  if (apiVersion !== 'v1' || !read.success) return []
  const ports = read.data.ports
    .filter(({ protocol }) => protocol === 'TCP')
    .map(({ port, name, appProtocol, targetPort = port }): GivenPort => {
      const said = { ...(name === undefined ? {} : { name }), ...(appProtocol === undefined ? {} : { appProtocol }) }
      return {
        ...{ number: port, name, targetPort },
        protocol: protocolOf(said, port),
        saysProtocol: saysProtocol(said, port),
      }
    })
  const { host } = serviceIdentity(given.key.namespace, given.key.name)
  return [{ ...given, host, selector: read.data.selector, ports }]
}

const metadata = z.looseObject({ labels: labels.optional(), annotations: labels.optional() })
const container = z.looseObject({
  ports: z.array(z.looseObject({ containerPort: z.number(), name: z.string().optional() })).default([]),
  name: z.string().optional(),
  securityContext: z.looseObject({ runAsUser: z.number().optional() }).optional(),
})
const podTemplate = z.looseObject({
  metadata: metadata.default({}),
  spec: z.looseObject({
    containers: z.array(container).default([]),
    securityContext: z.looseObject({ runAsUser: z.number().optional() }).optional(),
  }),
})

const templateOf: Readonly<Partial<Record<string, readonly string[]>>> = {
  Pod: [],
  ...Object.fromEntries(
    ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job'].map((kind) => [kind, ['spec', 'template']]),
  ),
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
}

function readWorkload({ object, ...given }: Entry): readonly GivenWorkload[] {
  const place = templateOf[given.key.kind]
  if (place === undefined) return []
  const read = podTemplate.safeParse(fieldAt(object, place))
  if (!read.success) return []
  const { metadata: own, spec } = read.data
  const path = [...place, 'spec']
  const users = [
    { path: [...path, 'securityContext', 'runAsUser'], user: spec.securityContext?.runAsUser },
    ...spec.containers.map(({ name, securityContext }, index) => ({
      path: [...path, 'containers', index, 'securityContext', 'runAsUser'],
      user: name === 'istio-proxy' ? undefined : securityContext?.runAsUser,
    })),
  ]
  const ports = spec.containers.flatMap((each) => each.ports)
  return [{ ...given, labels: own.labels ?? {}, annotations: own.annotations ?? {}, ports, path, users }]
}

const metadataOf = (object: unknown) => metadata.safeParse(fieldsOf(object).metadata).data ?? {}

/** Of the namespace; those of the root namespace select in every one. */
export const selectedBy = (
  { workloads }: GivenCluster,
  namespace: string,
  selector: Labels,
): readonly GivenWorkload[] =>
  workloads.filter(
    (each) => (namespace === rootNamespace || each.key.namespace === namespace) && labelsContain(each.labels, selector),
  )

/** Whether two selectors mean the same pods, or some workload of the namespace is meant by both. */
export const selectTogether = ({ workloads }: GivenCluster, namespace: string, left: Labels, right: Labels): boolean =>
  (labelsContain(left, right) && labelsContain(right, left)) ||
  workloads.some(
    ({ key, labels }) => key.namespace === namespace && labelsContain(labels, left) && labelsContain(labels, right),
  )

/** The Services that lead to a workload. */
export const servicesOf = ({ services }: GivenCluster, workload: GivenWorkload): readonly GivenService[] =>
  services.filter(
    ({ key, selector }) =>
      key.namespace === workload.key.namespace &&
      Object.keys(selector).length > 0 &&
      labelsContain(workload.labels, selector),
  )

/** The workload's own port to which one of a Service leads. */
export const ownPortOf = (workload: GivenWorkload, { targetPort }: GivenPort): number | undefined =>
  typeof targetPort === 'number' ? targetPort : workload.ports.find(({ name }) => name === targetPort)?.containerPort

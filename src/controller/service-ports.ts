import type { Canary, Container, ContainerPort, ServicePort } from '../api/index.ts'
import { templateOf, type Workload } from './workload/workload.ts'

/** Containers that Flagger leaves out: their ports are those of the proxy. */
const PROXIES: readonly string[] = ['istio-proxy', 'envoy']
/** A port's name is a DNS label: 63 characters, with prefix and number. */
const LONGEST_NAME = 54

/** The port of the Canary, and with `portDiscovery` the others that the workload's containers name. */
export function planPorts(canary: Canary, workload: Workload): readonly ServicePort[] {
  const ports = [renderPort(canary), ...discover(canary, workload)]
  return ports.filter((port, index) => ports.findIndex((other) => isSamePort(other, port)) === index)
}

function renderPort({ spec }: Canary): ServicePort {
  const { port, portName, targetPort, appProtocol } = spec.service
  return {
    name: portName,
    port,
    targetPort: targetPort ?? port,
    protocol: 'TCP',
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }
}

function discover({ spec }: Canary, workload: Workload): readonly ServicePort[] {
  const { port, targetPort = port, portDiscovery } = spec.service
  if (portDiscovery !== true) return []
  const isTarget = ({ name, containerPort }: ContainerPort) => name === targetPort || containerPort === targetPort
  return templateOf(workload)
    .spec.containers.filter(({ name }) => !PROXIES.includes(name))
    .flatMap((container) =>
      (container.ports ?? []).flatMap((found, index) =>
        isTarget(found) ? [] : [renderDiscovered(container, found, index)],
      ),
    )
}

function renderDiscovered(container: Container, found: ContainerPort, index: number): ServicePort {
  const { containerPort, protocol = 'TCP' } = found
  const name = found.name ?? `${protocol.toLowerCase()}-${container.name.slice(0, LONGEST_NAME)}-${index}`
  return { name, port: containerPort, targetPort: containerPort, protocol }
}

/** Ports of others stay, and what the API server or others gave to ours. */
export const mergePorts = (existing: readonly ServicePort[], own: readonly ServicePort[]): readonly ServicePort[] =>
  own.reduce(mergePort, existing)

function mergePort(existing: readonly ServicePort[], own: ServicePort): readonly ServicePort[] {
  const former = existing.find((port) => isSamePort(port, own))
  if (former === undefined) return [...existing, own]
  const merged = { ...former, ...own }
  return existing
    .filter((port) => port === former || !isSamePort(port, own))
    .map((port) => (port === former ? merged : port))
}

/** No Service has two of the same name, or of the same number and protocol. */
const isSamePort = (one: ServicePort, other: ServicePort): boolean =>
  one.name === other.name || (one.port === other.port && (one.protocol ?? 'TCP') === (other.protocol ?? 'TCP'))

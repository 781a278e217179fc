import { reachablePort, type Service } from '../../../api/index.ts'

/** Where one Service is reached from one pod. */
export interface ServiceAddress {
  readonly service: Service
  readonly address: string
}

/** NAME_SERVICE_HOST, NAME_SERVICE_PORT and NAME_SERVICE_PORT_PORTNAME, as Kubernetes sets them. */
export function serviceVariables(services: readonly ServiceAddress[]): Readonly<Record<string, string>> {
  return Object.fromEntries(services.flatMap(variablesOf))
}

function variablesOf({ service, address }: ServiceAddress): readonly (readonly [string, string])[] {
  const ports = service.spec.ports ?? []
  const [first] = ports
  if (first === undefined) return []
  const name = variableName(service.metadata.name)
  return [
    [`${name}_SERVICE_HOST`, address],
    [`${name}_SERVICE_PORT`, String(reachablePort(address, first.port))],
    ...ports.flatMap((port) =>
      port.name === undefined || port.name === ''
        ? []
        : [[`${name}_SERVICE_PORT_${variableName(port.name)}`, String(reachablePort(address, port.port))] as const],
    ),
  ]
}

const variableName = (name: string): string => name.toUpperCase().replaceAll('-', '_')

/** Has an address of its own: headless Services and external names have none. */
export const isAddressable = (service: Service): boolean =>
  service.spec.clusterIP !== 'None' && service.spec.type !== 'ExternalName' && (service.spec.ports ?? []).length > 0

import { z } from 'zod'
import { portProtocol, protocolNamed } from './supported-port.ts'
import { addressRange, exportTo, ipAddress, labels, port, refused, text } from './supported-values.ts'

/** An address that is none has no name either. */
const isNameOrAddress = (said: string): boolean => !/^[\d.]+$|:/.test(said) || ipAddress.safeParse(said).success

const workloadEntry = {
  address: text.optional(),
  ports: z.record(z.string(), port).default({}),
  labels: labels.default({}),
  locality: text.optional(),
  weight: z.int().min(1).max(1_000_000).optional(),
  serviceAccount: text.optional(),
  network: refused('leave it out; every address must be reachable directly'),
}

const endpoint = z.strictObject({
  ...workloadEntry,
  address: text.refine(isNameOrAddress, 'must be an IP address or the name of a host'),
})

/** Without a network of its own an entry is reached at its address. */
export const workloadEntrySpec = z.strictObject({
  ...workloadEntry,
  address: text.refine((said) => ipAddress.safeParse(said).success, 'must be an IP address'),
})

const entryPort = z.strictObject({
  number: port,
  name: text,
  protocol: portProtocol.default('TCP'),
  targetPort: port.optional(),
})

export const serviceEntrySpec = z
  .strictObject({
    hosts: z.array(text.regex(/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'must be a host name')).min(1),
    addresses: z.array(addressRange).default([]),
    ports: z.array(entryPort).min(1).superRefine(eachPortOnce),
    location: z.enum(['MESH_EXTERNAL', 'MESH_INTERNAL']).default('MESH_EXTERNAL'),
    resolution: z.enum(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN']).default('NONE'),
    endpoints: z.array(endpoint).default([]),
    subjectAltNames: refused('write tls.subjectAltNames in a DestinationRule of the host'),
    workloadSelector: z.strictObject({ labels: labels.default({}) }).optional(),
    exportTo,
  })
  .refine(({ hosts, resolution }) => resolution === 'NONE' || !hosts.some((host) => host.startsWith('*')), {
    path: ['hosts'],
    message: 'hosts with a wildcard are for resolution NONE',
  })
  .refine((said) => !hasTcpAtRange(said), {
    path: ['addresses'],
    message: 'connections are told apart by single addresses: write those of the range that programs connect to',
    params: { code: 'UnsupportedField' },
  })
  .check(({ value: said, issues }) => {
    for (const { path, message } of [...movedPorts(said), ...strangePorts(said)]) {
      issues.push({ code: 'custom', input: said, path: [...path], message })
    }
  })
  .refine(({ endpoints, resolution }) => resolution !== 'NONE' || endpoints.length === 0, {
    path: ['endpoints'],
    message: 'resolution NONE has no endpoints: requests go where they ask to go',
  })
  .refine(
    ({ endpoints, resolution }) =>
      resolution !== 'STATIC' || endpoints.every(({ address }) => ipAddress.safeParse(address).success),
    {
      path: ['endpoints'],
      message: 'the addresses of resolution STATIC must be IP addresses',
    },
  )
  .refine(({ endpoints, resolution }) => resolution !== 'DNS_ROUND_ROBIN' || endpoints.length <= 1, {
    path: ['endpoints'],
    message: 'resolution DNS_ROUND_ROBIN has one endpoint at most',
  })
  .refine(({ workloadSelector: selector, resolution }) => selector === undefined || resolution === 'STATIC', {
    path: ['workloadSelector'],
    message: 'is for resolution STATIC',
  })
  .refine(({ workloadSelector: selector, endpoints }) => selector === undefined || endpoints.length === 0, {
    path: ['workloadSelector'],
    message: 'cannot be beside endpoints',
  })

/** Hosts of HTTP are told apart by their names, whatever their addresses. */
function hasTcpAtRange({
  addresses,
  ports,
}: {
  readonly addresses: readonly string[]
  readonly ports: readonly z.output<typeof entryPort>[]
}): boolean {
  return (
    addresses.some((address) => address.includes('/')) &&
    ports.some(({ protocol }) => protocolNamed(protocol) === 'tcp')
  )
}

type EntryPort = z.output<typeof entryPort>

/** Requests and endpoints tell ports apart by their numbers and names. */
function eachPortOnce(ports: readonly EntryPort[], { addIssue }: Pick<z.core.$RefinementCtx, 'addIssue'>): void {
  for (const field of ['number', 'name'] as const) {
    for (const [index, port] of ports.entries()) {
      const first = ports.findIndex((other) => other[field] === port[field])
      if (first === index) continue
      addIssue({ code: 'custom', path: [index, field], message: `is the ${field} of spec.ports[${first}], too` })
    }
  }
}

interface Said {
  readonly ports: readonly EntryPort[]
  readonly endpoints: readonly WorkloadEntrySpec[]
  readonly resolution: string
}

interface Problem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Without endpoints there is nothing that could have another port. */
const movedPorts = ({ ports, resolution }: Said): readonly Problem[] =>
  ports.flatMap(({ number, targetPort }, index) => {
    if (resolution !== 'NONE' || targetPort === undefined || targetPort === number) return []
    const message = 'is for endpoints, and resolution NONE has none: requests go to the port that they ask for'
    return [{ path: ['ports', index, 'targetPort'], message }]
  })

const strangePorts = ({ endpoints, ports }: Said): readonly Problem[] =>
  endpoints.flatMap((said, index) => {
    const names = ports.map(({ name }) => name)
    return Object.keys(said.ports)
      .filter((name) => !names.includes(name))
      .map((name) => {
        return { path: ['endpoints', index, 'ports', name], message: `is no name of spec.ports: ${names.join(', ')}` }
      })
  })

export type ServiceEntrySpec = z.output<typeof serviceEntrySpec>
export type WorkloadEntrySpec = z.output<typeof endpoint>

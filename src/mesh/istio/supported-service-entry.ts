import { z } from 'zod'
import { portProtocol } from './supported-port.ts'
import { exportTo, labels, port, refused, text } from './supported-values.ts'

const ipAddress = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+)$/

const workloadEntry = {
  address: text.optional(),
  ports: z.record(z.string(), port).default({}),
  labels: labels.default({}),
  locality: text.optional(),
  weight: z.int().min(1).max(1_000_000).optional(),
  serviceAccount: text.optional(),
  network: refused('leave it out; every address must be reachable directly'),
}

const endpoint = z.strictObject({ ...workloadEntry, address: text })

/** Without a network of its own an entry is reached at its address. */
export const workloadEntrySpec = z.strictObject({
  ...workloadEntry,
  address: text.regex(ipAddress, 'must be an IP address'),
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
    addresses: z.array(text).default([]),
    ports: z.array(entryPort).min(1),
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
  .refine(({ endpoints, resolution }) => resolution !== 'NONE' || endpoints.length === 0, {
    path: ['endpoints'],
    message: 'resolution NONE has no endpoints: requests go where they ask to go',
  })
  .refine(
    ({ endpoints, resolution }) => resolution !== 'STATIC' || endpoints.every(({ address }) => ipAddress.test(address)),
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

export type ServiceEntrySpec = z.output<typeof serviceEntrySpec>
export type WorkloadEntrySpec = z.output<typeof endpoint>

import { z } from 'zod'
import type { KubernetesObject } from '../kubernetes/meta.ts'
import { type NetworkingStatus, networking } from './networking.ts'
import { labels, networkingObject, object } from './networking-schema.ts'

/** One address outside of the cluster's EndpointSlices. */
export interface WorkloadEntrySpec {
  readonly address?: string
  /** Numbers by the names of the ServiceEntry's ports. */
  readonly ports?: Readonly<Record<string, number>>
  readonly labels?: Readonly<Record<string, string>>
  /** `region/zone/subzone`. */
  readonly locality?: string
  readonly weight?: number
  readonly serviceAccount?: string
}

/** A process outside of the cluster that ServiceEntries select by its labels. */
export interface WorkloadEntry extends KubernetesObject {
  readonly spec: WorkloadEntrySpec
  readonly status?: NetworkingStatus
}

/** Hosts that no Service of the cluster stands for. */
export interface ServiceEntry extends KubernetesObject {
  readonly spec: {
    readonly hosts: readonly string[]
    readonly addresses?: readonly string[]
    readonly ports?: readonly {
      readonly number: number
      readonly name: string
      readonly protocol?: string
      readonly targetPort?: number
    }[]
    readonly location?: string
    readonly resolution?: string
    readonly endpoints?: readonly WorkloadEntrySpec[]
    readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> }
    readonly exportTo?: readonly string[]
  }
  readonly status?: NetworkingStatus
}

export const serviceEntryKind = networking<ServiceEntry>('ServiceEntry', 'serviceentries')
export const workloadEntryKind = networking<WorkloadEntry>('WorkloadEntry', 'workloadentries')

const text = z.string()
const port = z.int().min(0).max(65535)

const workloadEntry = {
  address: text.optional().describe('IP address or name of the host.'),
  ports: z.record(text, port).optional().describe('Port numbers by the names of the ServiceEntry’s ports.'),
  labels: labels.optional().describe('Labels that ServiceEntries and subsets select by.'),
  network: text.optional().describe('Network that it is in.'),
  locality: text.optional().describe('Where it runs, as region/zone/subzone.'),
  weight: z.int().min(0).optional().describe('Share of requests, in proportion to the other endpoints.'),
  serviceAccount: text.optional().describe('Service account that it runs as.'),
}

export const workloadEntrySchema = networkingObject(object(workloadEntry).describe('A process outside of the cluster.'))

export const serviceEntrySchema = networkingObject(
  object({
    hosts: z.array(text).describe('Names that are added to the mesh.'),
    addresses: z.array(text).optional().describe('Addresses that stand for the hosts.'),
    ports: z
      .array(
        object({
          number: port.describe('Port number.'),
          name: text.describe('Name of the port.'),
          protocol: text.optional().describe('Protocol: HTTP, HTTPS, GRPC, HTTP2, TCP or TLS.'),
          targetPort: port.optional().describe('Port of the endpoints; the number when absent.'),
        }),
      )
      .optional()
      .describe('Ports of the hosts.'),
    location: text.optional().describe('MESH_EXTERNAL or MESH_INTERNAL.'),
    resolution: text.optional().describe('How endpoints are found: NONE, STATIC, DNS or DNS_ROUND_ROBIN.'),
    endpoints: z.array(object(workloadEntry)).optional().describe('Where the hosts are served.'),
    workloadSelector: object({ labels: labels.optional().describe('Labels of pods and WorkloadEntries.') })
      .optional()
      .describe('Pods and WorkloadEntries that serve the hosts.'),
    subjectAltNames: z.array(text).optional().describe('Names that certificates must show.'),
    exportTo: z.array(text).optional().describe('Namespaces that see it.'),
  }).describe('Hosts that no Service stands for.'),
)

import { z } from 'zod'
import type { KubernetesObject } from '../kubernetes/meta.ts'
import { type NetworkingStatus, networking } from './networking.ts'
import { labels, networkingObject, object } from './networking-schema.ts'

/** What the proxies of some workloads know of the mesh. */
export interface Sidecar extends KubernetesObject {
  readonly spec: {
    /** All workloads of the namespace when absent. */
    readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> }
    readonly egress?: readonly {
      readonly port?: { readonly number: number; readonly name?: string; readonly protocol?: string }
      readonly bind?: string
      readonly captureMode?: string
      /** `namespace/host`; the namespace may be `.`, `*` or `~`, the host may start with `*`. */
      readonly hosts: readonly string[]
    }[]
    readonly ingress?: readonly {
      readonly port: { readonly number: number; readonly name?: string; readonly protocol?: string }
      readonly bind?: string
      readonly captureMode?: string
      /** `127.0.0.1:PORT` or `0.0.0.0:PORT`; the port itself when absent. */
      readonly defaultEndpoint?: string
    }[]
    readonly outboundTrafficPolicy?: { readonly mode?: string }
  }
  readonly status?: NetworkingStatus
}

export const sidecarKind = networking<Sidecar>('Sidecar', 'sidecars')

const text = z.string()

const sidecarPort = object({
  number: z.int().min(0).max(65535).describe('Port number.'),
  name: text.optional().describe('Name of the port.'),
  protocol: text.optional().describe('Protocol: HTTP, HTTP2, GRPC or TCP.'),
})

export const sidecarSchema = networkingObject(
  object({
    workloadSelector: object({ labels: labels.optional().describe('Labels of the pods.') })
      .optional()
      .describe('Pods whose proxies are meant; all of the namespace when absent.'),
    egress: z
      .array(
        object({
          port: sidecarPort.optional().describe('Port of the listener; every port of the hosts when absent.'),
          bind: text.optional().describe('Address that is bound.'),
          captureMode: text.optional().describe('How requests get to the listener.'),
          hosts: z.array(text).describe('Services that are reached, as namespace/host.'),
        }),
      )
      .optional()
      .describe('What the application reaches.'),
    ingress: z
      .array(
        object({
          port: sidecarPort.describe('Port where others reach the pod.'),
          bind: text.optional().describe('Address that is bound.'),
          captureMode: text.optional().describe('How requests get to the listener.'),
          defaultEndpoint: text
            .optional()
            .describe('The program: 127.0.0.1:PORT or 0.0.0.0:PORT; the port itself when absent.'),
        }),
      )
      .optional()
      .describe('Where the application is reached; what is not named has no listener. All ports when absent.'),
    outboundTrafficPolicy: object({ mode: text.optional().describe('ALLOW_ANY or REGISTRY_ONLY.') })
      .optional()
      .describe('What happens to requests for hosts that are not known.'),
  }).describe('What proxies know of the mesh.'),
)

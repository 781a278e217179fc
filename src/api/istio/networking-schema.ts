import { z } from 'zod'
import { mapListBy } from '../rules.ts'
import { conditionSchema, objectMetaSchema } from '../schema.ts'

/**
 * Istio's networking kinds as far as Sluice reads them. Every object is loose: fields that Istio knows and Sluice
 * does not are kept, as they must survive a round trip through a cluster where these CRDs are ours.
 */
export const object = <Shape extends z.ZodRawShape>(shape: Shape) => z.looseObject(shape)
const text = z.string()
const duration = z.string()
const texts = z.array(text)
export const labels = z.record(text, text)
const port = z.int().min(0).max(65535)

const stringMatch = object({
  exact: text.optional().describe('Whole value.'),
  prefix: text.optional().describe('Start of the value.'),
  regex: text.optional().describe('RE2 expression for the whole value.'),
})

const match = object({
  name: text.optional().describe('Name for logs and metrics.'),
  uri: stringMatch.optional().describe('Path of the request.'),
  scheme: stringMatch.optional().describe('Scheme of the request.'),
  method: stringMatch.optional().describe('Method of the request.'),
  authority: stringMatch.optional().describe('Host header of the request.'),
  headers: z.record(text, stringMatch).optional().describe('Headers by lower-case name; {} asks for presence.'),
  withoutHeaders: z.record(text, stringMatch).optional().describe('Headers that must not match.'),
  queryParams: z.record(text, stringMatch).optional().describe('Query parameters by name.'),
  port: port.optional().describe('Port the request came to.'),
  sourceLabels: labels.optional().describe('Labels of the workload that asks.'),
  sourceNamespace: text.optional().describe('Namespace of the workload that asks.'),
  gateways: texts.optional().describe('Gateways the match counts for.'),
  ignoreUriCase: z.boolean().optional().describe('Compare the path without regard to case.'),
})

const destination = object({
  host: text.describe('Name of the Service.'),
  subset: text.optional().describe('Subset of a DestinationRule.'),
  port: object({ number: port.optional().describe('Port number.') })
    .optional()
    .describe('Port of the Service.'),
})

const httpRoute = object({
  name: text.optional().describe('Name for logs and metrics.'),
  match: z.array(match).optional().describe('Conditions, any of which selects the route; all requests when absent.'),
  route: z
    .array(
      object({
        destination: destination.describe('Where the share of requests goes.'),
        weight: z.int().min(0).optional().describe('Share of requests, in proportion to the other weights.'),
      }),
    )
    .optional()
    .describe('Destinations and their weights.'),
  mirror: destination.optional().describe('Destination of mirrored requests.'),
  mirrorPercentage: object({ value: z.number().min(0).max(100).optional().describe('Percentage.') })
    .optional()
    .describe('Share of requests that is mirrored; all when absent.'),
  timeout: duration.optional().describe('Time limit of a request, retries included.'),
  retries: object({
    attempts: z.int().optional().describe('Retries after the first try.'),
    perTryTimeout: duration.optional().describe('Time limit of each try.'),
    retryOn: text.optional().describe('Conditions of a retry, in the words of Envoy.'),
  })
    .optional()
    .describe('Retries of failed requests.'),
})

const status = z
  .looseObject({
    observedGeneration: z.int().optional().describe('Generation of the spec that this status speaks of.'),
    conditions: mapListBy('type', z.array(conditionSchema.partial().required({ type: true }).loose()))
      .optional()
      .describe('Conditions; Sluice writes Programmed.'),
  })
  .optional()
  .describe('What proxies made of it.')

export const networkingObject = <Spec extends z.ZodType>(spec: Spec) =>
  z.object({ apiVersion: text, kind: text, metadata: objectMetaSchema, spec, status })

export const virtualServiceSchema = networkingObject(
  object({
    hosts: texts.optional().describe('Hosts whose requests are routed.'),
    gateways: texts
      .optional()
      .describe('Gateways and sidecars (the word mesh) that apply the routes; mesh when absent.'),
    exportTo: texts.optional().describe('Namespaces that see it.'),
    http: z.array(httpRoute).optional().describe('Routes for HTTP; the first that matches is taken.'),
    tls: z.array(object({})).optional().describe('Routes for TLS that is passed through.'),
    tcp: z.array(object({})).optional().describe('Routes for TCP.'),
  }).describe('How requests for hosts are routed.'),
)

export const trafficPolicySchema = object({
  connectionPool: object({}).optional().describe('Limits on connections and requests.'),
  loadBalancer: object({}).optional().describe('Load balancing.'),
  outlierDetection: object({}).optional().describe('Ejection of failing endpoints.'),
  tls: object({}).optional().describe('TLS towards the Service.'),
  portLevelSettings: z.array(object({})).optional().describe('Settings of single ports.'),
})
const trafficPolicy = trafficPolicySchema.optional()

export const destinationRuleSchema = networkingObject(
  object({
    host: text.describe('Name of the Service.'),
    subsets: z
      .array(
        object({
          name: text.describe('Name that routes use.'),
          labels: labels.optional().describe('Labels of the pods of the subset.'),
          trafficPolicy: trafficPolicy.describe('Policy of the subset.'),
        }),
      )
      .optional()
      .describe('Named groups of endpoints.'),
    trafficPolicy: trafficPolicy.describe('Policy for all endpoints.'),
    exportTo: texts.optional().describe('Namespaces that see it.'),
    workloadSelector: object({ matchLabels: labels.optional().describe('Labels of the pods.') })
      .optional()
      .describe('Pods whose requests it governs.'),
  }).describe('Policies and subsets of a Service.'),
)

export const gatewaySchema = networkingObject(
  object({
    selector: labels.optional().describe('Labels of the gateway pods.'),
    servers: z
      .array(
        object({
          port: object({
            number: port.describe('Port number.'),
            name: text.describe('Name of the port.'),
            protocol: text.describe('Protocol: HTTP, HTTPS, GRPC, HTTP2, TCP or TLS.'),
          }).describe('Port that is opened.'),
          hosts: texts.describe('Hosts that are served, a namespace may lead: ns/host.'),
          tls: object({}).optional().describe('TLS of the server.'),
          name: text.optional().describe('Name of the server.'),
          bind: text.optional().describe('Address that is bound.'),
        }),
      )
      .optional()
      .describe('Ports that are opened and the hosts they serve.'),
  }).describe('Ports at the edge of the mesh.'),
)

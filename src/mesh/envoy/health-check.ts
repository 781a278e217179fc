import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { Cluster } from '../model/index.ts'
import { type ClusterSchema, CodecClientType, HealthCheckSchema } from './api.ts'
import { duration } from './messages.ts'

type Fields = Pick<
  MessageInitShape<typeof ClusterSchema>,
  'healthChecks' | 'commonLbConfig' | 'ignoreHealthOnHostRemoval'
>

/** When no endpoint is healthy all are used: more likely is what is asked wrong than all of them. */
const PANIC_PERCENT = 1

/** Fields of a cluster whose endpoints are asked by every proxy, over the mesh's TLS where they take it. */
export function renderHealthChecks({ healthCheck, protocol, service }: Cluster): Fields {
  if (healthCheck === undefined || protocol === 'tcp') return {}
  const { asks, intervalMs, timeoutMs, healthyThreshold, unhealthyThreshold } = healthCheck
  if (asks.kind === 'grpc' && protocol === 'http') return {}
  const interval = duration(intervalMs)
  return {
    healthChecks: [
      create(HealthCheckSchema, {
        interval,
        timeout: duration(timeoutMs),
        healthyThreshold,
        unhealthyThreshold,
        // Envoy would look once a minute at what nobody sends requests to.
        noTrafficInterval: interval,
        noTrafficHealthyInterval: interval,
        healthChecker:
          asks.kind === 'grpc'
            ? { case: 'grpcHealthCheck', value: { serviceName: asks.service, authority: service.host } }
            : {
                case: 'httpHealthCheck',
                value: {
                  host: service.host,
                  path: asks.path,
                  codecClientType: protocol === 'http2' ? CodecClientType.HTTP2 : CodecClientType.HTTP1,
                },
              },
      }),
    ],
    commonLbConfig: { healthyPanicThreshold: { value: PANIC_PERCENT } },
    // Else an endpoint that leaves would be used until it fails.
    ignoreHealthOnHostRemoval: true,
  }
}

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Cluster, Protocol } from '../model/index.ts'
import { type ClusterSchema, RawBufferSchema } from './api.ts'
import { extension } from './messages.ts'
import { meshProtocol, meshUpstreamTls, tlsModeKey } from './tls.ts'

type Transport = Pick<MessageInitShape<typeof ClusterSchema>, 'transportSocket' | 'transportSocketMatches'>

/** The mesh's TLS to the endpoints that take it, plain text to the others. */
export function clientTransport(cluster: Cluster): Transport {
  if (cluster.identities.length === 0) return {}
  const { identities, protocol } = cluster
  return {
    transportSocketMatches: [
      {
        name: 'mesh',
        match: { [tlsModeKey]: meshProtocol },
        transportSocket: meshUpstreamTls(identities, applicationProtocols[protocol], serverName(cluster)),
      },
      {
        name: 'plain',
        match: {},
        transportSocket: extension('envoy.transport_sockets.raw_buffer', RawBufferSchema, {}),
      },
    ],
  }
}

const applicationProtocols: Readonly<Record<Protocol, readonly string[]>> = {
  http: ['http/1.1'],
  http2: ['h2'],
  tcp: [],
}

/** Istio's form, with dots where the cluster's name has bars. */
const serverName = ({ port, subset = '', service }: Cluster): string => `outbound_.${port}_.${subset}_.${service.host}`

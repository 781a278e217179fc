import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Cluster, Protocol } from '../model/index.ts'
import { type ClusterSchema, RawBufferSchema } from './api.ts'
import { ownUpstreamTls } from './client-tls.ts'
import { extension } from './messages.ts'
import { meshProtocol, meshUpstreamTls, tlsModeKey } from './tls.ts'

type Transport = Pick<MessageInitShape<typeof ClusterSchema>, 'transportSocket' | 'transportSocketMatches'>

/** What the cluster's policy asks for; else the mesh's TLS to the endpoints that take it, plain text to the others. */
export function clientTransport(cluster: Cluster): Transport {
  const protocols = applicationProtocols[cluster.protocol]
  switch (cluster.tls?.kind) {
    case 'none':
      return {}
    case 'own':
      return { transportSocket: ownUpstreamTls(cluster, cluster.tls, protocols) }
    case 'mesh': {
      const { subjectAltNames, serverName: asked = serverName(cluster) } = cluster.tls
      const names = subjectAltNames.length > 0 ? subjectAltNames : cluster.identities
      return { transportSocket: meshUpstreamTls(names, protocols, asked) }
    }
    default:
      return automaticTransport(cluster, protocols)
  }
}

/** Of an address that nobody has listed it is not known what it takes, unless all take the same. */
function automaticTransport(cluster: Cluster, protocols: readonly string[]): Transport {
  if (cluster.leadsToMutualTls === true) {
    return { transportSocket: meshUpstreamTls(cluster.identities, protocols, serverName(cluster)) }
  }
  if (cluster.identities.length === 0 || cluster.resolution === 'original-destination') return {}
  return {
    transportSocketMatches: [
      {
        name: 'mesh',
        match: { [tlsModeKey]: meshProtocol },
        transportSocket: meshUpstreamTls(cluster.identities, protocols, serverName(cluster)),
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

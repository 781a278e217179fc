import type { MessageInitShape } from '@bufbuild/protobuf'
import { type Interception, type OutboundListener, passthroughCluster } from '../model/index.ts'
import { HttpInspectorSchema, type ListenerSchema, TlsInspectorSchema } from './api.ts'
import { blackHoleCluster } from './cluster.ts'
import { SNIFF_MS } from './interception.ts'
import { duration, extension } from './messages.ts'
import { tcpProxy } from './tcp-proxy.ts'

export type ListenerChains = Pick<
  MessageInitShape<typeof ListenerSchema>,
  | 'bindToPort'
  | 'filterChains'
  | 'defaultFilterChain'
  | 'listenerFilters'
  | 'listenerFiltersTimeout'
  | 'continueOnListenerFiltersTimeout'
>

/** What is intercepted goes to every port: what speaks no HTTP at a port that does goes where it was going. */
export function outboundChains(
  kind: OutboundListener['kind'],
  filters: ReturnType<typeof extension>[],
  interception: Interception | undefined,
): ListenerChains {
  if (interception === undefined) return { filterChains: [{ filters }] }
  if (kind === 'tcp') return { bindToPort: false, filterChains: [{ filters }] }
  const elsewhere = elsewhereOf(interception)
  return {
    bindToPort: false,
    listenerFilters: [
      extension('envoy.filters.listener.tls_inspector', TlsInspectorSchema, {}),
      extension('envoy.filters.listener.http_inspector', HttpInspectorSchema, {}),
    ],
    listenerFiltersTimeout: duration(SNIFF_MS),
    continueOnListenerFiltersTimeout: true,
    filterChains: [
      {
        name: 'http',
        filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.0', 'http/1.1', 'h2c'] },
        filters,
      },
    ],
    defaultFilterChain: elsewhere,
  }
}

/** By the name in the handshake; what names none of the hosts goes where it was going. */
export function namedChains(
  hosts: readonly { readonly serverName: string; readonly filter: ReturnType<typeof extension> }[],
  interception: Interception = { unknownHosts: 'passthrough', otherPorts: 'permissive' },
): ListenerChains {
  return {
    bindToPort: false,
    listenerFilters: [extension('envoy.filters.listener.tls_inspector', TlsInspectorSchema, {})],
    listenerFiltersTimeout: duration(SNIFF_MS),
    continueOnListenerFiltersTimeout: true,
    filterChains: hosts.map(({ serverName, filter }) => {
      return { name: serverName, filterChainMatch: { serverNames: [serverName] }, filters: [filter] }
    }),
    defaultFilterChain: elsewhereOf(interception),
  }
}

function elsewhereOf({ unknownHosts }: Interception) {
  const cluster = unknownHosts === 'refuse' ? blackHoleCluster : passthroughCluster
  const route = { clusters: [{ cluster, weight: 1 }] }
  return { name: 'other', filters: [tcpProxy({ statPrefix: cluster, route, accessLog: [] })] }
}

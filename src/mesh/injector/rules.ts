/** Ports and numbers are Istio's. */
export const proxyUser = 1337
const outboundPort = 15_001
const inboundPort = 15_006
/** The proxy's own: probes, readiness and metrics are asked as plain text. */
const proxyPorts = [15_020, 15_021, 15_090]
const dnsPort = 53

export interface InterceptionRules {
  /** Beside the proxy's own; `all` leaves every port to the program. */
  readonly excludeInboundPorts: readonly number[] | 'all'
  readonly excludeOutboundPorts: readonly number[]
  /** CIDR blocks; those that are excluded count before those that are included. */
  readonly excludeOutboundIPRanges: readonly string[]
  readonly includeOutboundIPRanges: readonly string[] | 'all'
  /** What comes in from this address goes past the proxy: of a node that asks for programs by itself. */
  readonly pastInboundFrom?: string
}

/**
 * Rules that lead a pod's TCP connections through its proxy, as `iptables-restore --noflush` reads them. The order
 * matters: what the proxy sends itself is let go before anything is redirected, or it would turn in circles.
 */
export function renderInterceptionRules(rules: InterceptionRules): string {
  return [
    '*nat',
    ...chains.map((chain) => `:${chain} - [0:0]`),
    '-A PREROUTING -p tcp -j ISTIO_INBOUND',
    '-A OUTPUT -p tcp -j ISTIO_OUTPUT',
    `-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${outboundPort}`,
    `-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports ${inboundPort}`,
    ...inboundRules(rules),
    ...outboundRules(rules),
    'COMMIT',
    '',
  ].join('\n')
}

const chains = ['ISTIO_INBOUND', 'ISTIO_IN_REDIRECT', 'ISTIO_OUTPUT', 'ISTIO_REDIRECT']

function inboundRules({ excludeInboundPorts, pastInboundFrom }: InterceptionRules): readonly string[] {
  if (excludeInboundPorts === 'all') return []
  return [
    ...(pastInboundFrom === undefined ? [] : [`-A ISTIO_INBOUND -s ${pastInboundFrom}/32 -j RETURN`]),
    ...[...proxyPorts, ...excludeInboundPorts].map((port) => `-A ISTIO_INBOUND -p tcp --dport ${port} -j RETURN`),
    '-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT',
  ]
}

function outboundRules(rules: InterceptionRules): readonly string[] {
  const { excludeOutboundPorts, excludeOutboundIPRanges, includeOutboundIPRanges } = rules
  const toPort = [dnsPort, ...excludeOutboundPorts]
  return [
    // The proxy hands a request to the program beside it: that one must not come in anew.
    '-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN',
    // A program calls its own Service and the proxy chose this very pod: it comes in like from anybody else.
    ...(rules.excludeInboundPorts === 'all'
      ? []
      : [`-A ISTIO_OUTPUT ! -d 127.0.0.0/8 -o lo -m owner --uid-owner ${proxyUser} -j ISTIO_IN_REDIRECT`]),
    `-A ISTIO_OUTPUT -m owner --uid-owner ${proxyUser} -j RETURN`,
    `-A ISTIO_OUTPUT -m owner --gid-owner ${proxyUser} -j RETURN`,
    '-A ISTIO_OUTPUT -o lo -j RETURN',
    '-A ISTIO_OUTPUT -d 127.0.0.0/8 -j RETURN',
    ...toPort.map((port) => `-A ISTIO_OUTPUT -p tcp --dport ${port} -j RETURN`),
    ...excludeOutboundIPRanges.map((range) => `-A ISTIO_OUTPUT -d ${range} -j RETURN`),
    ...(includeOutboundIPRanges === 'all'
      ? ['-A ISTIO_OUTPUT -j ISTIO_REDIRECT']
      : includeOutboundIPRanges.map((range) => `-A ISTIO_OUTPUT -d ${range} -j ISTIO_REDIRECT`)),
  ]
}

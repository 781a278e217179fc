import type { DiscoveryRequest } from '../envoy/index.ts'

/** What a proxy says it is: `envoy 1.40.0`; `-` of one that does not say. */
export function agentOf(node: DiscoveryRequest['node']): string {
  if (node === undefined || node.userAgentName === '') return '-'
  const { userAgentName: name, userAgentVersionType: version } = node
  if (version.case === 'userAgentVersion') return `${name} ${version.value}`
  const { majorNumber = 0, minorNumber = 0, patch = 0 } = version.value?.version ?? {}
  return version.case === undefined ? name : `${name} ${majorNumber}.${minorNumber}.${patch}`
}

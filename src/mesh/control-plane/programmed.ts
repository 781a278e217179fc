import type { Finding } from '../model/index.ts'
import type { ConnectedProxy, Snapshot } from '../xds/index.ts'
import type { Need } from './needs.ts'

export interface ProgrammedInput {
  readonly findings: readonly Finding[]
  readonly needs: readonly Need[]
  readonly snapshots: ReadonlyMap<string, Snapshot>
  readonly connected: ReadonlyMap<string, ConnectedProxy>
  /** A proxy that may come back in a moment: it is waited for although it is not connected. */
  readonly isExpected: (nodeId: string) => boolean
  /** True once proxies have had their time. */
  readonly isOverdue: boolean
}

export type ProgrammedReason = 'Programmed' | 'ProxiesLagging' | 'Rejected' | Finding['reason']

export type Programmed =
  | {
      readonly kind: 'decided'
      readonly isProgrammed: boolean
      readonly reason: ProgrammedReason
      readonly message: string
    }
  | { readonly kind: 'pending'; readonly waitingFor: readonly string[] }

/** Whether a VirtualService is in force on every proxy that needs it. */
export function judgeProgrammed(input: ProgrammedInput): Programmed {
  const finding = gravest(input.findings)
  if (finding !== undefined) return decided(false, finding.reason, finding.message)
  const states = input.needs
    .map((need) => ({ nodeId: need.nodeId, state: stateOf(need, input) }))
    .filter(({ state }) => state.kind !== 'unasked')
  const rejected = states.flatMap(({ nodeId, state }) =>
    state.kind === 'rejected' ? [`${podOf(nodeId)}: ${state.message}`] : [],
  )
  if (rejected.length > 0)
    return decided(false, 'Rejected', `proxies keep their last good configuration; ${few(rejected)}`)
  const waiting = names(states.filter(({ state }) => state.kind === 'waiting'))
  const away = names(states.filter(({ state }) => state.kind === 'away'))
  if (waiting.length === 0) return decided(true, 'Programmed', programmedMessage(states.length - away.length, away))
  if (!input.isOverdue) return { kind: 'pending', waitingFor: waiting }
  return decided(false, 'ProxiesLagging', `not accepted yet by ${few(waiting)}`)
}

const decided = (isProgrammed: boolean, reason: ProgrammedReason, message: string): Programmed => ({
  kind: 'decided',
  isProgrammed,
  reason,
  message,
})

const order: readonly Finding['reason'][] = [
  'Invalid',
  'Conflict',
  'DestinationNotFound',
  'KeysUnavailable',
  'CredentialUnavailable',
]

/** All that is wrong for the gravest reason. */
function gravest(findings: readonly Finding[]): Pick<Finding, 'reason' | 'message'> | undefined {
  const reason = order.find((candidate) => findings.some((finding) => finding.reason === candidate))
  if (reason === undefined) return undefined
  const messages = findings.filter((finding) => finding.reason === reason).map(({ message }) => message)
  return { reason, message: few([...new Set(messages)], '; ') }
}

type ProxyState =
  | { readonly kind: 'has-it' | 'waiting' | 'away' | 'unasked' }
  | { readonly kind: 'rejected'; readonly message: string }

function stateOf(need: Need, { snapshots, connected, isExpected }: ProgrammedInput): ProxyState {
  const proxy = connected.get(need.nodeId)
  if (proxy === undefined) return { kind: isExpected(need.nodeId) ? 'waiting' : 'away' }
  const isWanted = !need.isOnDemand || need.tables.some((name) => proxy.isSubscribed('routes', name))
  if (!isWanted) return { kind: 'unasked' }
  const snapshot = snapshots.get(need.nodeId)
  if (snapshot === undefined) return { kind: 'waiting' }
  const wanted = [
    ...need.tables.map((name) => ({ type: 'routes', name }) as const),
    ...need.listeners.map((name) => ({ type: 'listener', name }) as const),
    ...need.clusters.flatMap((name) => [{ type: 'cluster', name } as const, { type: 'endpoints', name } as const]),
  ].flatMap(({ type, name }) => {
    const resource = snapshot.resources[type].get(name)
    return resource === undefined ? [] : [{ type, name, version: resource.version }]
  })
  for (const { type, name, version } of wanted) {
    const message = proxy.rejection(type, name, version)
    if (message !== undefined) return { kind: 'rejected', message }
  }
  const hasAll = wanted.every(({ type, name, version }) => proxy.accepted(type, name) === version)
  return { kind: hasAll ? 'has-it' : 'waiting' }
}

const names = (states: readonly { readonly nodeId: string }[]): readonly string[] =>
  states.map(({ nodeId }) => podOf(nodeId))

/** `pod.namespace` of a node id. */
const podOf = (nodeId: string): string => nodeId.split('~')[2] ?? nodeId

function programmedMessage(count: number, away: readonly string[]): string {
  const having =
    count === 0
      ? 'no connected proxy needs the route'
      : `${count} ${count === 1 ? 'proxy has' : 'proxies have'} the route`
  return away.length === 0 ? having : `${having}; away: ${few(away)}`
}

/** Five at most: a status is no log. */
const few = (texts: readonly string[], separator = ', '): string =>
  texts.length <= 5 ? texts.join(separator) : `${texts.slice(0, 5).join(separator)} and ${texts.length - 5} more`

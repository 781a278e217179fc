import type { Finding } from '../model/index.ts'
import type { ConnectedProxy, Snapshot } from '../xds/index.ts'
import type { Need } from './needs.ts'
import { type ProxyState, podOf, stateOfConnected } from './proxy-state.ts'

export interface ProgrammedInput {
  readonly findings: readonly Finding[]
  readonly needs: readonly Need[]
  /** Beside routes: what Envoys say of what the object makes, by pod. */
  readonly rejections: Readonly<Record<string, string>>
  /** To be said although all is well. */
  readonly note?: string | undefined
  readonly snapshots: ReadonlyMap<string, Snapshot>
  readonly connected: ReadonlyMap<string, ConnectedProxy>
  /** How far a proxy of another replica is; undefined where none has it. */
  readonly elsewhere: (nodeId: string) => ProxyState | undefined
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
  const rejected = [
    ...Object.entries(input.rejections).map(([pod, message]) => `${pod}: ${message}`),
    ...states.flatMap(({ nodeId, state }) => (state.kind === 'rejected' ? [`${podOf(nodeId)}: ${state.message}`] : [])),
  ]
  if (rejected.length > 0)
    return decided(false, 'Rejected', `proxies keep their last good configuration; ${few(rejected)}`)
  const waiting = names(states.filter(({ state }) => state.kind === 'waiting'))
  const away = names(states.filter(({ state }) => state.kind === 'away'))
  if (waiting.length === 0)
    return decided(true, 'Programmed', withNote(programmedMessage(states.length - away.length, away), input.note))
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
  'ProviderNotFound',
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

type StateInput = Pick<ProgrammedInput, 'connected' | 'snapshots' | 'elsewhere' | 'isExpected'>

/** One that is waited for; undefined when nobody is. */
export const findLaggard = (needs: readonly Need[], input: StateInput): Need | undefined =>
  needs.findLast((need) => stateOf(need, input).kind === 'waiting')

function stateOf(need: Need, input: StateInput): ProxyState {
  const proxy = input.connected.get(need.nodeId)
  if (proxy !== undefined) return stateOfConnected(need, proxy, input.snapshots.get(need.nodeId))
  return input.elsewhere(need.nodeId) ?? { kind: input.isExpected(need.nodeId) ? 'waiting' : 'away' }
}

const names = (states: readonly { readonly nodeId: string }[]): readonly string[] =>
  states.map(({ nodeId }) => podOf(nodeId))

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

const withNote = (message: string, note: string | undefined): string =>
  note === undefined ? message : `${message}; ${note}`

import { trustSecret } from '../envoy/index.ts'
import type { ConnectedProxy } from '../xds/index.ts'
import type { Configuration } from './configuration.ts'
import type { Need } from './needs.ts'
import { podOf, stateOfConnected } from './proxy-state.ts'
import { rejectedRules } from './rejected-rules.ts'
import type { ObjectReport, ReplicaReport } from './replica-report.ts'

export interface OwnReportInput {
  readonly configuration: Configuration
  readonly connected: ReadonlyMap<string, ConnectedProxy>
  /** Proxies that were lost a moment ago, and may come back. */
  readonly expected: () => readonly string[]
  /** Keys of objects whose verdict is open. */
  readonly open: readonly string[]
}

/** What this replica tells the others: little while every object is in force everywhere. */
export function buildOwnReport({ configuration, connected, open, ...rest }: OwnReportInput): ReplicaReport {
  const expected = rest.expected()
  const rules = rejectedRules({ configuration, connected })
  const keys = new Set([...open, ...rejectedKeys(configuration, connected), ...rules.keys()])
  const objects = [...keys].map((key) => {
    const report = reportOf(key, configuration, connected, expected)
    return [key, { ...report, rejected: { ...rules.get(key), ...report.rejected } }] as const
  })
  return {
    connected: new Set([...connected.keys(), ...expected].map(podOf)),
    roots: commonRoots(connected),
    objects: new Map(objects),
  }
}

function reportOf(
  key: string,
  { needs, snapshots, generations }: Configuration,
  connected: ReadonlyMap<string, ConnectedProxy>,
  expected: readonly string[],
): ObjectReport {
  const waiting: string[] = []
  const rejected: Record<string, string> = {}
  for (const need of needs.get(key) ?? []) {
    const { nodeId } = need
    const proxy = connected.get(nodeId)
    const state = proxy && stateOfConnected(need, proxy, snapshots.get(nodeId))
    if (state?.kind === 'rejected') rejected[podOf(nodeId)] = state.message
    else if (state?.kind === 'waiting' || (state === undefined && expected.includes(nodeId)))
      waiting.push(podOf(nodeId))
  }
  return { generation: generations.get(key) ?? 0, waiting: waiting.sort(), rejected }
}

/** What was in force and is rejected now. */
function rejectedKeys({ needs, snapshots }: Configuration, connected: OwnReportInput['connected']): readonly string[] {
  const rejecting = new Map([...connected].filter(([, proxy]) => proxy.hasRejections()))
  if (rejecting.size === 0) return []
  const isRejected = (need: Need): boolean => {
    const proxy = rejecting.get(need.nodeId)
    return proxy !== undefined && stateOfConnected(need, proxy, snapshots.get(need.nodeId)).kind === 'rejected'
  }
  return [...needs].filter(([, each]) => each.some(isRejected)).map(([key]) => key)
}

/** What a proxy has not asked for it does not need. */
function commonRoots(connected: ReadonlyMap<string, ConnectedProxy>): string | undefined {
  const versions = new Set([...connected.values()].flatMap((proxy) => proxy.accepted('secret', trustSecret) ?? []))
  if (versions.size === 0) return ''
  return versions.size === 1 ? [...versions][0] : undefined
}

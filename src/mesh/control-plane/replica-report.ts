import { z } from 'zod'
import { parseJson } from '../../base/index.ts'
import { type ProxyState, podOf } from './proxy-state.ts'

/** What one replica of the control plane tells the others of its own streams. */
export interface ReplicaReport {
  /** The pods of its connected proxies: `pod.namespace`. */
  readonly connected: ReadonlySet<string>
  /** Version of the roots that all of them have accepted; absent while one has others. */
  readonly roots?: string | undefined
  /** By the text of the object's key: those that some of its proxies have not got, or whose verdict is open. */
  readonly objects: ReadonlyMap<string, ObjectReport>
}

export interface ObjectReport {
  readonly generation: number
  /** Pods that have not accepted all of it. */
  readonly waiting: readonly string[]
  /** What Envoy said, by pod. */
  readonly rejected: Readonly<Record<string, string>>
}

const reportSchema = z.object({
  connected: z.array(z.string()),
  roots: z.string().optional(),
  objects: z.record(
    z.string(),
    z.object({
      generation: z.number(),
      waiting: z.array(z.string()),
      rejected: z.record(z.string(), z.string()),
    }),
  ),
})

export const renderReport = ({ connected, roots, objects }: ReplicaReport): string =>
  JSON.stringify({ connected: [...connected].sort(), roots, objects: Object.fromEntries(objects) })

/** Undefined for text of another version of the program. */
export function parseReport(text: string): ReplicaReport | undefined {
  const parsed = reportSchema.safeParse(parseJson(text))
  if (!parsed.success) return undefined
  const { connected, roots, objects } = parsed.data
  return { connected: new Set(connected), roots, objects: new Map(Object.entries(objects)) }
}

/**
 * How far a proxy of other replicas is with an object of this generation; undefined where none of them has it. One that
 * has just moved is named by two: the better word counts.
 */
export const stateElsewhere =
  (reports: readonly ReplicaReport[], key: string, generation: number) =>
  (nodeId: string): ProxyState | undefined => {
    const pod = podOf(nodeId)
    const states = reports
      .filter(({ connected }) => connected.has(pod))
      .map(({ objects }) => stateIn(objects.get(key), pod, generation))
    return states.find(({ kind }) => kind === 'has-it') ?? states.find(({ kind }) => kind === 'rejected') ?? states[0]
  }

/** What proxies of other replicas reject of an object of this generation, by pod. */
export const rejectedElsewhere = (
  reports: readonly ReplicaReport[],
  key: string,
  generation: number,
): Readonly<Record<string, string>> =>
  Object.assign(
    {},
    ...reports.flatMap(({ objects }) => {
      const report = objects.get(key)
      return report?.generation === generation ? [report.rejected] : []
    }),
  )

function stateIn(report: ObjectReport | undefined, pod: string, generation: number): ProxyState {
  if (report?.generation !== generation || report.waiting.includes(pod)) return { kind: 'waiting' }
  const message = report.rejected[pod]
  return message === undefined ? { kind: 'has-it' } : { kind: 'rejected', message }
}

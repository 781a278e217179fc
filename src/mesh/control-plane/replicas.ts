import { type Lease, leaseKind } from '../../api/index.ts'
import { type ElectionOptions, type KubeClient, type Reflector, runLeaderElection } from '../../kube/index.ts'
import { type Clock, type Logger, messageOf, runTogether, untilAborted } from '../../runtime/index.ts'
import { parseReport, type ReplicaReport, renderReport } from './replica-report.ts'
import { createReporter, replicaLabel, reportAnnotation } from './reporter.ts'

/** How replicas of the control plane find each other. */
export interface ReplicaSettings {
  /** Differs from that of every other replica, and of an earlier life of this one. A part of an object's name. */
  readonly identity: string
  /** Where the Leases are. */
  readonly namespace: string
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace' | 'delete'>
  /** The Leases with `replicaLabel` of that namespace; the control plane starts it. */
  readonly reports: Reflector<Lease>
  /** Of the election; Kubernetes' own when absent. */
  readonly timings?: NonNullable<ElectionOptions['timings']>
}

export interface ReplicasOptions {
  /** Absent where there is but one. */
  readonly replica?: ReplicaSettings | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly random?: () => number
}

export interface ReplicaTalk {
  /** What is to be told now. */
  readonly own: () => ReplicaReport
  /** Others have told something new, or this replica was elected. */
  readonly changed: () => void
}

/** This replica among the others: the elected one writes conditions, and each tells what its own proxies have. */
export interface Replicas {
  start(signal: AbortSignal): Promise<void>
  isElected(): boolean
  /** What the others that are alive have told last. */
  others(): readonly ReplicaReport[]
  /** The own report may say something else now. */
  ownChanged(): void
}

const electionLease = 'sluice-mesh'

/** A replica that was silent this long is gone, and so are its streams. */
const SILENT_MS = 10_000
/** Its last report is taken away then. */
const FORGET_MS = 60_000

const alone: Replicas = {
  start: (signal) => untilAborted(signal),
  isElected: () => true,
  others: () => [],
  ownChanged: () => {},
}

export const createReplicas = ({ replica, ...options }: ReplicasOptions, talk: ReplicaTalk): Replicas =>
  replica === undefined ? alone : createReplica({ ...options, ...replica, ...talk })

type Options = Omit<ReplicasOptions, 'replica'> & ReplicaSettings & ReplicaTalk

function createReplica(options: Options): Replicas {
  const { clock, namespace, identity } = options
  const name = `${electionLease}-${identity}`
  const text = () => renderReport(options.own())
  const reporter = createReporter({ ...options, name, silentMs: SILENT_MS, text })
  const heard = listen(options, name)
  let isElected = false

  const lead = async (leading: AbortSignal): Promise<void> => {
    isElected = true
    options.changed()
    while (!leading.aborted) {
      await forgetTheDead(options, heard)
      await clock.sleep(FORGET_MS, leading)
    }
    isElected = false
  }
  /** One that loses its lease serves its proxies on, and stands again. */
  const stand = async (signal: AbortSignal): Promise<void> => {
    const election = { ...options, namespace, name: electionLease, lead }
    while (!signal.aborted) await runLeaderElection(election, signal)
  }

  return {
    start: (signal) => runTogether(signal, [options.reports.start, reporter.start, stand]),
    isElected: () => isElected,
    others: () =>
      [...heard.values()].flatMap(({ report, at }) => (report && clock.monotonic() - at < SILENT_MS ? [report] : [])),
    ownChanged: reporter.changed,
  }
}

interface Heard {
  readonly report: ReplicaReport | undefined
  readonly at: number
}

/** What others say, and when they said it last by the own clock: the clocks of other machines prove nothing. */
function listen({ reports, clock, changed }: Options, ownName: string): ReadonlyMap<string, Heard> {
  const heard = new Map<string, Heard>()
  reports.onChange((current, previous) => {
    const { name, labels } = (current ?? previous)?.metadata ?? { name: ownName }
    if (name === ownName || labels?.[replicaLabel] === undefined) return
    const text = current?.metadata.annotations?.[reportAnnotation] ?? ''
    if (current === undefined) heard.delete(name)
    else heard.set(name, { report: parseReport(text), at: clock.monotonic() })
    if (text !== previous?.metadata.annotations?.[reportAnnotation]) changed()
  })
  return heard
}

async function forgetTheDead(
  { client, namespace, clock, log }: Options,
  heard: ReadonlyMap<string, Heard>,
): Promise<void> {
  for (const [name, { at }] of heard) {
    if (clock.monotonic() - at < FORGET_MS) continue
    try {
      await client.delete(leaseKind, { namespace, name })
      log.info({ replica: name }, 'the report of a replica that is gone was taken away')
    } catch (error) {
      log.warn({ replica: name, error: messageOf(error) }, 'the report of a replica that is gone stays for now')
    }
  }
}

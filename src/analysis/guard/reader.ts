import type { Clock, Logger } from '../../runtime/index.ts'
import { type Connections, openConnections } from '../connections.ts'
import { renderRange } from '../promql.ts'
import type { InstantProvider, Sample } from '../provider.ts'
import { createPrometheusProvider } from '../providers/prometheus.ts'
import { backendsOf, type Entry, entriesOf, groupEntries } from './entries.ts'
import { createPace, type Pace } from './pace.ts'
import type { GuardReader, Suspicion } from './port.ts'
import { addReading, readableSince, suspect, type Track } from './track.ts'

export interface GuardReaderOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Time between two scrapes of the mesh's proxies: that of the bundled Prometheus, 1000, when absent. */
  readonly scrapeIntervalMs?: number
  /** Called after each query. */
  readonly onAnswer?: (result: 'ok' | 'error') => void
}

/** As long as missed scrapes may leave a counter unseen; what dies is told exactly by the measurement that follows. */
const LOOKBACK_MS = 60_000

interface Round {
  readonly options: GuardReaderOptions
  readonly scrapeMs: number
  readonly tracks: Map<string, Track>
  readonly pace: Pace
  readonly connections: Connections
  readonly tell: (suspicion: Suspicion) => void
  readonly signal: AbortSignal
}

export function createGuardReader(options: GuardReaderOptions): GuardReader {
  const { scrapeIntervalMs: scrapeMs = 1_000 } = options
  const tracks = new Map<string, Track>()
  const underWay = new Set<string>()
  const pace = createPace(options.clock)
  // Of its own: the questions of checks come a hundred at a time.
  const connections = openConnections()
  return {
    async read(watches, onSuspicion, signal) {
      const entries = watches.flatMap(entriesOf)
      forgetOthers(tracks, entries)
      const round: Round = { options, scrapeMs, tracks, pace, connections, tell: onSuspicion, signal }
      const groups = groupEntries(entries.filter((entry) => !underWay.has(nameOf(entry))))
      await Promise.all(groups.map((group) => readGroup(round, group, underWay)))
    },
  }
}

/** Each group for itself: a server that hangs holds up nobody but those who ask it. */
async function readGroup(round: Round, entries: readonly Entry[], underWay: Set<string>): Promise<void> {
  for (const entry of entries) underWay.add(nameOf(entry))
  const answers = questionsOf(round, entries).map((question) => ask(round, question))
  for (const answering of answers) {
    const answer = await answering
    if (answer !== undefined) takeIn(round, answer)
  }
  for (const entry of entries) underWay.delete(nameOf(entry))
}

/** What one query asks: the counters of these at that instant. */
interface Question {
  readonly entries: readonly Entry[]
  /** Absent for the newest that there is. */
  readonly atMs?: number
}

/** Further back nobody has to look for a base: the next readings come sooner. */
const BASE_REACH_MS = 10_000

/**
 * A reading of the past is the base for those that have none: waiting for the next two readings instead would let a
 * version that fails from its first request on fail for twice the interval. Who is not settled yet has to wait.
 */
function questionsOf({ options, scrapeMs, tracks }: Round, entries: readonly Entry[]): readonly Question[] {
  const nowMs = options.clock.now()
  const isNew = (entry: Entry) => tracks.get(nameOf(entry))?.run !== entry.watch.run
  const settled = entries.filter((entry) => !isNew(entry) || readableSince(entry, scrapeMs) < nowMs)
  if (settled.length === 0) return []
  const added = settled.filter(isNew)
  if (added.length === 0) return [{ entries: settled }]
  const atMs = Math.max(nowMs - BASE_REACH_MS, ...added.map((entry) => readableSince(entry, scrapeMs)))
  return [{ entries: added, atMs }, { entries: settled }]
}

const nameOf = ({ watch, check }: Entry): string => `${watch.key}\n${check.metric.name}`

function forgetOthers(tracks: Map<string, Track>, entries: readonly Entry[]): void {
  const names = new Set(entries.map(nameOf))
  for (const name of tracks.keys()) if (!names.has(name)) tracks.delete(name)
}

interface Answer {
  readonly entries: readonly Entry[]
  readonly atMs: number
  readonly samplesOf: (entry: Entry) => readonly Sample[]
}

async function ask({ options, pace, connections, signal }: Round, question: Question): Promise<Answer | undefined> {
  await pace.turn(signal)
  const { entries, atMs = options.clock.now() } = question
  const [first] = entries
  if (first === undefined || signal.aborted) return undefined
  const backends = entries.flatMap(backendsOf)
  const query = first.builtin.queryTogether(backends, renderRange(LOOKBACK_MS))
  const answer = await providerOf(options, first, connections).instant(query, atMs, signal)
  options.onAnswer?.(answer.kind === 'samples' ? 'ok' : 'error')
  if (answer.kind === 'samples') return { entries, atMs, samplesOf: indexSamples(answer.samples, backends) }
  options.log.debug({ metric: first.check.metric.name, error: answer.message }, 'the guard could not read')
  return undefined
}

function takeIn({ scrapeMs, tracks, tell }: Round, { entries, atMs, samplesOf }: Answer): void {
  for (const entry of entries) {
    const track = addReading(tracks.get(nameOf(entry)), entry, { atMs, samples: samplesOf(entry) })
    tracks.set(nameOf(entry), track)
    const sinceMs = suspect(track, entry, scrapeMs)
    if (sinceMs !== undefined) tell({ key: entry.watch.key, run: entry.watch.run, sinceMs })
  }
}

const providerOf = ({ clock }: GuardReaderOptions, { watch }: Entry, connections: Connections): InstantProvider =>
  createPrometheusProvider({
    connections,
    provider: { type: 'prometheus' },
    metricsServer: watch.metricsServer,
    secret: {},
    clock,
    environment: {},
  })

/** Looks through the answer once, not once for every release. */
function indexSamples(samples: readonly Sample[], backends: ReturnType<typeof backendsOf>) {
  const byName = new Map<string, Sample[]>()
  for (const { workload, service } of backends) for (const name of [workload, service]) byName.set(name, [])
  for (const sample of samples) {
    const values = new Set(Object.values(sample.labels))
    for (const value of values) byName.get(value)?.push(sample)
  }
  return (entry: Entry): readonly Sample[] => {
    const own = backendsOf(entry)
    const candidates = new Set(
      own.flatMap(({ workload, service }) => [workload, service].flatMap((name) => byName.get(name) ?? [])),
    )
    return [...candidates].filter((sample) => own.some((backend) => entry.builtin.isOf(backend, sample)))
  }
}

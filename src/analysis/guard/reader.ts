import type { Clock, Logger } from '../../runtime/index.ts'
import { renderRange } from '../promql.ts'
import type { InstantProvider, Sample } from '../provider.ts'
import { createPrometheusProvider } from '../providers/prometheus.ts'
import { backendsOf, type Entry, groupEntries } from './entries.ts'
import type { GuardReader, Suspicion } from './port.ts'
import { addReading, suspect, type Track } from './track.ts'

export interface GuardReaderOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Time between two scrapes of the mesh's proxies: that of the bundled Prometheus, 1000, when absent. */
  readonly scrapeIntervalMs?: number
  /** Called after each query. */
  readonly onAnswer?: (result: 'ok' | 'error') => void
}

const QUERIES_A_SECOND = 4
/** As long as missed scrapes may leave a counter unseen; what dies is told exactly by the measurement that follows. */
const LOOKBACK_MS = 60_000

interface Round {
  readonly options: GuardReaderOptions
  readonly tracks: Map<string, Track>
  readonly tell: (suspicion: Suspicion) => void
  readonly signal: AbortSignal
}

export function createGuardReader(options: GuardReaderOptions): GuardReader {
  const tracks = new Map<string, Track>()
  let pace = Promise.resolve()
  return {
    async read(watches, onSuspicion, signal) {
      const groups = groupEntries(watches)
      forgetOthers(tracks, groups)
      const round: Round = { options, tracks, tell: onSuspicion, signal }
      for (let index = 0; index < groups.length; index += QUERIES_A_SECOND) {
        await pace
        if (signal.aborted) return
        // However many groups there are, and however fast they are answered. It never rejects.
        pace = options.clock.sleep(1_000, signal)
        await Promise.all(groups.slice(index, index + QUERIES_A_SECOND).map((entries) => readTogether(round, entries)))
      }
    },
  }
}

const nameOf = ({ watch, check }: Entry): string => `${watch.key}\n${check.metric.name}`

function forgetOthers(tracks: Map<string, Track>, groups: readonly (readonly Entry[])[]): void {
  const names = new Set(groups.flatMap((entries) => entries.map(nameOf)))
  for (const name of tracks.keys()) if (!names.has(name)) tracks.delete(name)
}

async function readTogether(round: Round, entries: readonly Entry[]): Promise<void> {
  const [first] = entries
  if (first === undefined) return
  const { options, tracks, tell, signal } = round
  const atMs = options.clock.now()
  const backends = entries.flatMap(backendsOf)
  const query = first.builtin.queryTogether(backends, renderRange(LOOKBACK_MS))
  const answer = await providerOf(options, first).instant(query, atMs, signal)
  options.onAnswer?.(answer.kind === 'samples' ? 'ok' : 'error')
  if (answer.kind !== 'samples') {
    options.log.debug({ metric: first.check.metric.name, error: answer.message }, 'the guard could not read')
    return
  }
  const samplesOf = indexSamples(answer.samples, backends)
  for (const entry of entries) {
    const track = addReading(tracks.get(nameOf(entry)), entry, { atMs, samples: samplesOf(entry) })
    tracks.set(nameOf(entry), track)
    const sinceMs = suspect(track, entry, options.scrapeIntervalMs ?? 1_000)
    if (sinceMs !== undefined) tell({ key: entry.watch.key, run: entry.watch.run, sinceMs })
  }
}

const providerOf = ({ clock }: GuardReaderOptions, { watch }: Entry): InstantProvider =>
  createPrometheusProvider({
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

import { parseArgs } from 'node:util'
import { gatewayPort, type Wait, waitFor } from '../src/cli/demo/world.ts'
import { createPlatform, temporaryDirectory } from '../src/cli/platform.ts'
import { createKubeClient, type KubeClient } from '../src/kube/index.ts'
import { runTogether, silentLogger, systemClock, untilSignal } from '../src/runtime/index.ts'
import { runLoad } from './bench-rollback/load.ts'
import { release, startService, waitForFailure, watchWeights } from './bench-rollback/world.ts'

/**
 * From the first failed answer at a client to weight 0 acknowledged by Envoy, for a version that fails half of its
 * requests from its first one on: real Envoys, real Prometheus, half of 100 requests a second. Releases with the guard
 * and without it (checks each 10 s, threshold 1) take turns in one session.
 */
const REQUESTS_PER_SECOND = 100
const BAR_SECONDS = 3

interface Timeline {
  readonly guarded: boolean
  /** First failed answer to the measurement that decided. */
  readonly measuredAfter: number
  /** That measurement to weight 0 acknowledged. */
  readonly acknowledgedAfter: number
  /** Both. */
  readonly seconds: number
  readonly rule: string
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, runs: { type: 'string', default: '10' } },
})
const runs = Math.max(1, Number.parseInt(values.runs, 10))

using stop = untilSignal()
await using directory = await temporaryDirectory()
const platform = await createPlatform({ dataDirectory: directory.path, log: silentLogger, signal: stop.signal })
const finished = new AbortController()
const timelines: Timeline[] = []
await runTogether(AbortSignal.any([stop.signal, finished.signal]), [
  platform.start,
  async (signal) => {
    await platform.ready
    await measureAll(createKubeClient({ kubeconfig: platform.kubeconfigPath, fieldManager: 'bench' }), signal)
    finished.abort()
  },
])
report()

async function measureAll(client: KubeClient, signal: AbortSignal): Promise<void> {
  const wait: Wait = { clock: systemClock, signal }
  const host = await startService(client, wait)
  const seen: Seen = { failedAt: undefined, acknowledgedAt: undefined }
  await runTogether(signal, [
    (running) =>
      runLoad({
        host,
        port: gatewayPort,
        requestsPerSecond: REQUESTS_PER_SECOND,
        clock: systemClock,
        signal: running,
        onFailure: (at) => {
          seen.failedAt ??= at
        },
      }),
    (running) =>
      watchWeights(
        client,
        (weight) => {
          if (weight === 0 && seen.failedAt !== undefined) seen.acknowledgedAt ??= systemClock.now()
        },
        running,
      ),
    async () => {
      for (let index = 0; index < 2 * runs; index++) {
        const timeline = await measure(client, wait, { seen, version: `5.0.${index}`, guarded: index % 2 === 0 })
        timelines.push(timeline)
        if (!values.json) console.log(render(timeline))
      }
    },
  ])
}

interface Seen {
  failedAt: number | undefined
  acknowledgedAt: number | undefined
}

interface Trial {
  readonly seen: Seen
  readonly version: string
  readonly guarded: boolean
}

async function measure(client: KubeClient, wait: Wait, { seen, version, guarded }: Trial): Promise<Timeline> {
  await release(client, version, guarded)
  await waitFor(wait, 'the first failed answer', 120_000, async () => seen.failedAt)
  const run = await waitForFailure(client, wait, version)
  const acknowledgedAt = await waitFor(wait, 'weight 0', 30_000, async () => seen.acknowledgedAt)
  const verdict = run.status?.steps.at(-1)?.verdicts.at(-1)
  const measuredAt = Date.parse(verdict?.windowEnd ?? '')
  const failedAt = seen.failedAt ?? Number.NaN
  // The last answers of the old weight are still under way; what fails next belongs to the next release.
  await wait.clock.sleep(2_000, wait.signal)
  Object.assign(seen, { failedAt: undefined, acknowledgedAt: undefined })
  return {
    guarded,
    measuredAfter: (measuredAt - failedAt) / 1_000,
    acknowledgedAfter: (acknowledgedAt - measuredAt) / 1_000,
    seconds: (acknowledgedAt - failedAt) / 1_000,
    rule: verdict?.rule ?? '',
  }
}

function report(): void {
  const [guarded, reference] = [true, false].map((which) =>
    timelines.filter((timeline) => timeline.guarded === which).map(({ seconds }) => seconds),
  )
  const p50 = { guarded: quantile(guarded, 0.5), checksOnly: quantile(reference, 0.5) }
  const p90 = { guarded: quantile(guarded, 0.9), checksOnly: quantile(reference, 0.9) }
  const ratio = p50.checksOnly / p50.guarded
  const isMet = p50.guarded <= BAR_SECONDS
  if (values.json)
    console.log(JSON.stringify({ runs, barSeconds: BAR_SECONDS, isMet, p50, p90, ratio, timelines }, null, 2))
  else {
    console.log(
      `with the guard  p50 ${p50.guarded.toFixed(2)} s, p90 ${p90.guarded.toFixed(2)} s (bar: p50 ${BAR_SECONDS} s)`,
    )
    console.log(
      `checks only     p50 ${p50.checksOnly.toFixed(2)} s, p90 ${p90.checksOnly.toFixed(2)} s (${ratio.toFixed(1)} times)`,
    )
  }
}

function quantile(values: readonly number[] = [], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

function render({ guarded, seconds, measuredAfter, acknowledgedAfter, rule }: Timeline): string {
  const parts = `measured after ${measuredAfter.toFixed(2)} s, acknowledged ${acknowledgedAfter.toFixed(2)} s later`
  return `${guarded ? 'guarded    ' : 'checks only'}  ${seconds.toFixed(2)} s  (${parts}, ${rule})`
}

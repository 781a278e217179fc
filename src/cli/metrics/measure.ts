import { type Analyst, type Check, createAnalyst, type MeasureRequest, type Subject } from '../../analysis/index.ts'
import { type Canary, type MetricVerdict, parseCanary } from '../../api/index.ts'
import { parseDuration } from '../../base/index.ts'
import { createJobRunner, createSecretReader } from '../../controller/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { silentLogger, systemClock, untilSignal } from '../../runtime/index.ts'
import { getCanaryOrFail } from '../connection.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'

/** Longer than any scrape takes to show: no weight was set just now, so all of the window counts. */
const SETTLED_MS = 60_000
const ASK_AGAIN_MS = 1_000

export interface Measurement {
  readonly subject: Subject
  readonly checks: readonly Check[]
  readonly metricsServer: string | undefined
  /** Gives the credentials of templates and runs their Jobs; it is called only where a template needs it. */
  readonly connect: () => Pick<KubeClient, 'get' | 'list' | 'create' | 'delete'>
}

/** Measures checks over the time just past: each over its own interval. */
export async function measureNow(measurement: Measurement): Promise<readonly MetricVerdict[]> {
  const { subject, checks, metricsServer } = measurement
  if (metricsServer === undefined && checks.some(asksTheServer)) {
    const message = `nothing says where the metrics are: add --metrics-server, such as http://localhost:9090, or set spec.metricsServer of the Canary`
    throw new CommandError(message, exitCodes.usage)
  }
  using stop = untilSignal()
  const analyst = createAnalyst({
    clock: systemClock,
    log: silentLogger,
    secrets: { read: (ref) => createSecretReader(measurement.connect()).read(ref) },
    jobs: { run: (job) => createJobRunner(measurement.connect(), systemClock).run(job) },
    environment: process.env,
  })
  const endMs = systemClock.now()
  const window = { startMs: endMs - longestInterval(checks) - SETTLED_MS, endMs }
  const request = { subject, checks, window, metricsServer: metricsServer ?? '' }
  const measured = await untilFinished(analyst, request, stop.signal)
  // What the next check of a release would have to know is of no use here.
  return measured.map(({ memory: _, isPending: __, ...verdict }) => verdict)
}

/** Jobs take their time: the same check is asked on until all of it is in. */
async function untilFinished(analyst: Analyst, request: MeasureRequest, signal: AbortSignal) {
  for (;;) {
    const measured = await analyst.measure(request, signal)
    if (signal.aborted || !measured.some(({ isPending }) => isPending)) return measured
    await systemClock.sleep(ASK_AGAIN_MS, signal)
  }
}

const asksTheServer = ({ template }: Check): boolean => {
  const provider = template?.spec.provider ?? { type: 'prometheus' }
  return provider.type === 'prometheus' && provider.address === undefined
}

function longestInterval(checks: readonly Check[]): number {
  const intervals = checks.map(({ metric }) => parseDuration(metric.interval ?? '0s'))
  return Math.max(0, ...intervals.map((interval) => (interval.ok ? interval.value : 0)))
}

/** The Canary with its defaults. */
export async function readCanary(client: KubeClient, namespace: string, name: string): Promise<Canary> {
  const parsed = parseCanary(await getCanaryOrFail(client, namespace, name))
  if (!parsed.ok) throw new CommandError(`canary ${namespace}/${name} is invalid: ${parsed.error}`)
  return parsed.value
}

import type { Canary, MetricVerdict } from '../../api/index.ts'
import { checksOf, type FoundCheck, subjectOf } from '../../controller/index.ts'
import { systemClock } from '../../runtime/index.ts'
import { type ConnectionOptions, connect } from '../connection.ts'
import { CommandError } from '../exit-codes.ts'
import { type Measurement, measureNow, readCanary } from '../metrics/measure.ts'
import { exitCodeOf, type ReportFormat, report, type Shown, withoutCredentials } from '../metrics/report.ts'
import { readTemplates } from '../metrics/templates.ts'
import { processOutput } from '../output.ts'

export interface MetricsRunOptions extends ConnectionOptions {
  readonly metricsServer?: string
  readonly output: ReportFormat
}

/** Measures every check of a Canary over the interval just past, as its next check would. */
export async function runMetrics(name: string, options: MetricsRunOptions): Promise<void> {
  const client = connect(options)
  const canary = await readCanary(client, options.namespace, name)
  // Who may read the templates is for the API server to say: it is the user's own access that is used here.
  const found = checksOf(canary, await readTemplates(client, canary), { allowCrossNamespaceReferences: true })
  if (found.length === 0) {
    throw new CommandError(`canary ${options.namespace}/${name} has no metrics: set spec.analysis.metrics`)
  }
  const metricsServer = options.metricsServer ?? canary.spec.metricsServer
  const about = {
    canary: { namespace: options.namespace, name },
    ...(metricsServer === undefined ? {} : { metricsServer: withoutCredentials(metricsServer) }),
  }
  const verdicts = await measureAll(canary, found, { metricsServer, connect: () => client })
  report(processOutput, about, verdicts, options.output)
  process.exitCode = exitCodeOf(verdicts)
}

async function measureAll(
  canary: Canary,
  found: readonly FoundCheck[],
  from: Pick<Measurement, 'metricsServer' | 'connect'>,
): Promise<readonly Shown[]> {
  const checks = found.flatMap((each) => ('check' in each ? [each.check] : []))
  const verdicts = await measureNow({ subject: subjectOf(canary), checks, ...from })
  const byName = new Map(verdicts.map((verdict) => [verdict.metric, verdict]))
  return found.map((each) => ({
    ...(byName.get(each.metric.name) ?? unasked(each)),
    ...(each.metric.dryRun === true ? { dryRun: true } : {}),
  }))
}

function unasked(found: FoundCheck): MetricVerdict {
  const now = new Date(systemClock.now()).toISOString()
  return {
    metric: found.metric.name,
    state: 'query-error',
    thresholdRange: found.metric.thresholdRange ?? {},
    query: '',
    windowStart: now,
    windowEnd: now,
    message: 'refusal' in found ? found.refusal : 'it was not measured',
  }
}

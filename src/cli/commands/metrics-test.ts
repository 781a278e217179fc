import { namesIn, queryOf, type Subject } from '../../analysis/index.ts'
import type { Metric, MetricTemplate, MetricVerdict } from '../../api/index.ts'
import { parseDuration } from '../../base/index.ts'
import { subjectOf } from '../../controller/index.ts'
import { type ConnectionOptions, connect } from '../connection.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { measureNow, readCanary } from '../metrics/measure.ts'
import { exitCodeOf, type ReportFormat, report, type Shown } from '../metrics/report.ts'
import { getTemplate, readTemplateFile } from '../metrics/templates.ts'
import { processOutput } from '../output.ts'

export interface MetricsTestOptions extends ConnectionOptions {
  readonly filename?: string
  readonly clusterWide: boolean
  readonly variables?: readonly string[]
  readonly canary?: string
  readonly target?: string
  readonly window: string
  readonly min?: number
  readonly max?: number
  readonly metricsServer?: string
  readonly output: ReportFormat
}

/** Fills a template in, asks it once and shows what came of it. */
export async function testTemplate(name: string | undefined, options: MetricsTestOptions): Promise<void> {
  checkUsage(name, options)
  const template = await findTemplate(name, options)
  const { subject, metricsServer } = await findSubject(template, options)
  const metric: Metric = {
    name: template.metadata.name,
    interval: options.window,
    thresholdRange: rangeOf(options),
    templateRef: { name: template.metadata.name },
    templateVariables: parseVariables(options.variables ?? []),
  }
  const [measured] = await measureNow({
    subject,
    checks: [{ metric, template }],
    metricsServer: options.metricsServer ?? metricsServer,
    connect: () => connect(options),
  })
  if (measured === undefined) throw new CommandError('the template was not measured')
  // No release is there that could make anything of it.
  const { rule: _, decision: __, ...verdict } = measured
  const shown = [hasLimit(options) ? verdict : withoutLimit(verdict)]
  const about = { template: { kind: template.kind, name: template.metadata.name } }
  report(processOutput, about, shown, options.output)
  process.exitCode = exitCodeOf(shown)
}

function checkUsage(name: string | undefined, options: MetricsTestOptions): void {
  const window = parseDuration(options.window)
  if (!window.ok) throw new CommandError(`--window: ${window.error}`, exitCodes.usage)
  if (window.value < 1_000) throw new CommandError('--window: must be at least 1s', exitCodes.usage)
  if (name === undefined && options.filename === undefined) {
    throw new CommandError('name a template of the cluster, or a file with -f', exitCodes.usage)
  }
  if (options.min !== undefined && options.max !== undefined && options.min > options.max) {
    throw new CommandError('--min must not exceed --max', exitCodes.usage)
  }
}

const findTemplate = (name: string | undefined, options: MetricsTestOptions): Promise<MetricTemplate> =>
  options.filename === undefined
    ? getTemplate(connect(options), { name: name ?? '', ...options })
    : readTemplateFile(options.filename, name)

interface Found {
  readonly subject: Subject
  readonly metricsServer?: string | undefined
}

/** Whom the query is about. Without a Canary no cluster is asked, so that a file can be tried anywhere. */
async function findSubject({ spec }: MetricTemplate, options: MetricsTestOptions): Promise<Found> {
  const { namespace, target } = options
  if (options.canary !== undefined) {
    const canary = await readCanary(connect(options), namespace, options.canary)
    return { subject: subjectOf(canary), metricsServer: canary.spec.metricsServer }
  }
  const [asked] = namesIn(queryOf(spec)).filter((name) => name !== 'namespace')
  if (target === undefined && asked !== undefined) {
    throw new CommandError(`the query needs {{ ${asked} }}: add --canary NAME, or --target WORKLOAD`, exitCodes.usage)
  }
  const name = target ?? ''
  return { subject: { canary: name, namespace, target: name, primary: `${name}-primary`, service: name } }
}

function parseVariables(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const end = pair.indexOf('=')
      if (end > 0) return [pair.slice(0, end), pair.slice(end + 1)] as const
      throw new CommandError(`--variables: "${pair}" is not NAME=VALUE`, exitCodes.usage)
    }),
  )
}

const hasLimit = ({ min, max }: MetricsTestOptions): boolean => min !== undefined || max !== undefined

/** Without a limit every number is within it: the value is what was asked for. */
const rangeOf = ({ min, max }: MetricsTestOptions): NonNullable<Metric['thresholdRange']> => ({
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
  ...(min === undefined && max === undefined ? { min: Number.NEGATIVE_INFINITY } : {}),
})

function withoutLimit(verdict: MetricVerdict): Shown {
  const shown = { ...verdict, thresholdRange: {} }
  if (verdict.state !== 'passed') return shown
  return { ...shown, state: 'measured', message: 'add --min or --max for a verdict' }
}

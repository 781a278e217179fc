import type { Metric } from '../api/index.ts'
import { type Clock, type Logger, messageOf } from '../runtime/index.ts'
import { builtinMetricsOf } from './builtin/registry.ts'
import { conclude } from './conclude.ts'
import { type Connections, openConnections } from './connections.ts'
import type { JobRunner } from './jobs.ts'
import { measureBuiltin } from './measure-builtin.ts'
import { measureEarly } from './measure-early.ts'
import { measureTemplate } from './measure-template.ts'
import type { Finding, Measuring } from './measuring.ts'
import type { Analyst, Check, Measured, MeasureRequest } from './port.ts'
import type { Answer, CheckIdentity } from './provider.ts'
import { createPrometheusProvider } from './providers/prometheus.ts'
import { providers } from './registry.ts'
import { readCredentials, type SecretReader } from './secrets.ts'

export interface AnalystOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Credentials of templates; without it, templates that name a Secret are refused. */
  readonly secrets?: SecretReader
  /** Runs the Jobs of templates; without it, templates that hold one are refused. */
  readonly jobs?: JobRunner
  /** Variables of the process, where clouds put ambient credentials; none when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Stands for the Prometheus of every Canary: gives the value of a query at an instant. */
  readonly metricsServer?: (query: string, atMs: number) => Promise<Answer>
  /** Time between two scrapes of the mesh's proxies: that of the bundled Prometheus, 1000, when absent. */
  readonly scrapeIntervalMs?: number
}

/** Measures every check against its metric server, all at once. */
export function createAnalyst(options: AnalystOptions): Analyst {
  const connections = openConnections()
  return {
    measure: (request, signal) =>
      Promise.all(request.checks.map((check) => measureCheck(options, { check, request, connections, signal }))),
  }
}

interface Task {
  readonly connections: Connections
  readonly check: Check
  readonly request: MeasureRequest
  readonly signal: AbortSignal
}

async function measureCheck(options: AnalystOptions, task: Task): Promise<Measured> {
  const { check, request } = task
  try {
    const measuring = createMeasuring(options, task)
    const { early, subject } = request
    if (early !== undefined) {
      return await measureEarly(measuring, builtinMetricsOf(subject.metricsProvider).get(check.metric.name), early)
    }
    return conclude(check, await find(measuring))
  } catch (error) {
    // A fault of ours must not end the release loop, and it must not pass for evidence either.
    const message = `${check.metric.name} could not be measured: ${messageOf(error)}`
    options.log.error({ metric: check.metric.name, canary: request.subject.canary }, message)
    const failed = conclude(check, { state: 'query-error', query: '', window: request.window, message })
    // Between two checks a fault is no finding.
    return request.early === undefined ? failed : { ...failed, decision: 'none', memory: undefined }
  }
}

function createMeasuring(options: AnalystOptions, { check, request, connections, signal }: Task): Measuring {
  const { clock, secrets, environment = {}, scrapeIntervalMs = 1_000 } = options
  const settings = { clock, environment, connections, metricsServer: request.metricsServer }
  const prometheus = createPrometheusProvider({ ...settings, provider: { type: 'prometheus' }, secret: {} })
  return {
    check,
    request,
    scrapeIntervalMs,
    ask: options.metricsServer ?? ((query, atMs) => prometheus.instant(query, atMs, signal)),
    async askTemplate(template, query, window) {
      const { provider } = template.spec
      const secret = await readCredentials(secrets, template, request.subject.namespace)
      if (!secret.ok) return secret.error
      const identity = identityOf(check, request)
      const asked = { ...settings, provider, secret: secret.value, jobs: options.jobs, check: identity }
      return providers[provider.type](asked).newest(query, window, signal)
    },
  }
}

const identityOf = ({ metric }: Check, { subject, run, checkId, window }: MeasureRequest): CheckIdentity => ({
  namespace: subject.namespace,
  metric: metric.name,
  id: checkId ?? `${window.endMs}`,
  run,
})

function find(measuring: Measuring): Finding | Promise<Finding> {
  const { metric, template } = measuring.check
  if (!hasLimit(metric)) return refuse(measuring, 'has no limit: set thresholdRange.min or thresholdRange.max')
  if (template !== undefined) return measureTemplate(measuring, template)
  if (metric.templateRef !== undefined) {
    return refuse(
      measuring,
      `names the ${metric.templateRef.kind ?? 'MetricTemplate'} ${metric.templateRef.name}, which does not exist: create it or correct templateRef`,
    )
  }
  const builtinMetrics = builtinMetricsOf(measuring.request.subject.metricsProvider)
  const builtin = builtinMetrics.get(metric.name)
  if (builtin !== undefined) return measureBuiltin(measuring, builtin)
  return refuse(measuring, `is not built in (${[...builtinMetrics.keys()].join(', ')}): give it a templateRef`)
}

const hasLimit = ({ thresholdRange, comparison, limits }: Metric): boolean =>
  thresholdRange?.min !== undefined || thresholdRange?.max !== undefined || (comparison ?? limits) !== undefined

function refuse({ check, request }: Measuring, reason: string): Finding {
  return { state: 'query-error', query: '', window: request.window, message: `metric ${check.metric.name} ${reason}` }
}

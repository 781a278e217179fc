import type {
  AccessLogging,
  MetricEdit,
  MetricName,
  SideTelemetry,
  SpanReporting,
  SpanTag,
  TagEdit,
  TelemetryDefaults,
} from '../model/index.ts'
import { metricNames } from '../model/index.ts'
import { readCelValue } from './cel-expression.ts'
import { type CustomTagSpec, metricsMeant, type Side, type TelemetrySpec } from './supported-telemetry.ts'

/** What the objects say together of one side of a workload; later ones count before earlier ones, field by field. */
export function mergeTelemetry(
  specs: readonly TelemetrySpec[],
  side: Side,
  { accessLog, tracingProvider }: TelemetryDefaults,
): SideTelemetry {
  const logging = specs.flatMap((spec) => spec.accessLogging)
  const tracing = specs.flatMap((spec) => spec.tracing).filter(isFor(side))
  const metrics = mergeMetrics(
    specs.flatMap((spec) => spec.metrics).flatMap(({ overrides }) => overrides),
    side,
  )
  return {
    ...(logging.length === 0 ? {} : { accessLog: mergeLogging(logging, side, accessLog) }),
    ...(tracing.length === 0 || tracingProvider === undefined
      ? {}
      : { tracing: mergeTracing(tracing, tracingProvider) }),
    ...(metrics.length === 0 ? {} : { metrics }),
  }
}

interface Sided {
  readonly match?: { readonly mode: Side | 'CLIENT_AND_SERVER' } | undefined
}

const isFor =
  (side: Side) =>
  ({ match }: Sided): boolean =>
    match === undefined || match.mode === 'CLIENT_AND_SERVER' || match.mode === side

/** An entry without a provider is about that of the entries before it, at first the one that all proxies have. */
function mergeLogging(entries: readonly LogEntry[], side: Side, isDefault: boolean): AccessLogging {
  const known = isDefault ? entries : entries.slice(entries.findIndex(namesProvider))
  const own = known.filter(isFor(side))
  const isMeant = isDefault || own.some(namesProvider)
  return (isMeant ? own : []).reduce(withEntry, { isWritten: isDefault })
}

type LogEntry = TelemetrySpec['accessLogging'][number]

const namesProvider = ({ providers }: LogEntry): boolean => providers.length > 0

/** Who names the provider says everything of it. */
function withEntry(before: AccessLogging, entry: LogEntry): AccessLogging {
  const filter = entry.filter?.expression ?? (namesProvider(entry) ? undefined : before.filter)
  return { isWritten: !entry.disabled, ...(filter === undefined ? {} : { filter }) }
}

function mergeTracing(entries: TelemetrySpec['tracing'], known: string): SpanReporting {
  const providers = entries.flatMap((entry) => entry.providers)
  const last = <Value>(of: (entry: TelemetrySpec['tracing'][number]) => Value | undefined): Value | undefined =>
    entries.map(of).findLast((value) => value !== undefined)
  const isDisabled = last((entry) => entry.disableSpanReporting) ?? false
  const samplePercent = last((entry) => entry.randomSamplingPercentage)
  return {
    isReported: !isDisabled && (providers.at(-1)?.name ?? known) === known,
    ...(samplePercent === undefined ? {} : { samplePercent }),
    tags: Object.entries(last((entry) => entry.customTags) ?? {})
      .flatMap(([name, said]) => readTag(name, said))
      .sort(byName),
    ...(last((entry) => entry.useRequestIdForTraceSampling) === false ? { ignoresRequestId: true } : {}),
  }
}

function readTag(name: string, { literal, environment, header }: CustomTagSpec): readonly SpanTag[] {
  if (literal !== undefined) return [{ name, kind: 'literal', value: literal.value }]
  const kind = environment === undefined ? 'header' : 'environment'
  const said = environment ?? header
  if (said === undefined) return []
  const otherwise = said.defaultValue === undefined ? {} : { otherwise: said.defaultValue }
  return [{ name, kind, of: said.name, ...otherwise }]
}

type Override = TelemetrySpec['metrics'][number]['overrides'][number]

function mergeMetrics(overrides: readonly Override[], side: Side): readonly MetricEdit[] {
  const own = overrides.filter(isFor(side))
  return metricNames.flatMap((metric) => {
    const edit = mergeMetric(
      metric,
      own.filter(({ match }) => metricsMeant(match?.metric).includes(metric)),
    )
    return edit.isCounted === undefined && edit.tags.length === 0 ? [] : [edit]
  })
}

function mergeMetric(metric: MetricName, overrides: readonly Override[]): MetricEdit {
  const disabled = overrides.map((each) => each.disabled).findLast((value) => value !== undefined)
  const tags = new Map(
    overrides
      .flatMap(({ tagOverrides }) => Object.entries(tagOverrides))
      .map(([name, { operation, value = '' }]): [string, TagEdit] => [
        name,
        operation === 'REMOVE' ? { name, kind: 'remove' } : { name, kind: 'set', expression: readCelValue(value) },
      ]),
  )
  return {
    metric,
    ...(disabled === undefined ? {} : { isCounted: !disabled }),
    tags: [...tags.values()].sort(byName),
  }
}

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name < right.name ? -1 : 1

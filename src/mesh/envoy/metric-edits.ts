import type { MetricName, TagEdit } from '../model/index.ts'
import { coalesce } from './formats.ts'
import type { SideObservability } from './side-telemetry.ts'

export type Tags = readonly (readonly [name: string, format: string])[]

type MetricSettings = Pick<SideObservability, 'metrics' | 'sizeMetrics'>

/** Sizes of requests cost memory that few want to spend. */
const sizes: readonly MetricName[] = ['istio_request_bytes', 'istio_response_bytes']

/** Those of the metrics that are counted. */
export const counted = <Metric extends { readonly name: MetricName }>(
  all: readonly Metric[],
  settings: MetricSettings,
): readonly Metric[] => all.filter(({ name }) => isCounted(name, settings))

const isCounted = (name: MetricName, { metrics = [], sizeMetrics = false }: MetricSettings): boolean =>
  metrics.find(({ metric }) => metric === name)?.isCounted ?? (sizeMetrics || !sizes.includes(name))

/** The labels of one metric. */
export const tagsOf = (name: MetricName, common: Tags, settings: MetricSettings): Tags =>
  editsOf(name, settings).reduce(editTag, common)

/** Whether something else is said of a label. */
export const isEdited = (metric: MetricName, tag: string, settings: MetricSettings): boolean =>
  editsOf(metric, settings).some(({ name }) => name === tag)

const editsOf = (name: MetricName, { metrics = [] }: MetricSettings): readonly TagEdit[] =>
  metrics.find(({ metric }) => metric === name)?.tags ?? []

/** What takes the place of another is where that was. */
function editTag(tags: Tags, edit: TagEdit): Tags {
  if (edit.kind === 'remove') return tags.filter(([name]) => name !== edit.name)
  const made = [edit.name, celOrUnknown(edit.expression)] as const
  return tags.some(([name]) => name === edit.name)
    ? tags.map((tag) => (tag[0] === edit.name ? made : tag))
    : [...tags, made]
}

/** For what has no value, as that of a header that a request does not have. */
const celOrUnknown = (expression: string): string => coalesce({ command: 'CEL', param: expression })

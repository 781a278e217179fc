import { success } from '../../../base/index.ts'
import { quote } from '../../promql.ts'
import type { Sample } from '../../provider.ts'
import { equals, isOneOf, matches, renderSums } from '../matcher.ts'
import type { Backend, BuiltinMetric, Measurement } from '../metric.ts'

/** Envoy's flags of requests that ended at the caller's proxy: no pod of the new version can know of them. */
const UNREACHED: ReadonlySet<string> = new Set(['UH', 'UF', 'UO', 'NC', 'DF'])
/** Flags of requests that broke under way: a living pod reports them too, with code 0; a dead one does not. */
const INTERRUPTED: ReadonlySet<string> = new Set(['UT', 'UC', 'UR', 'LR', 'UPE', 'UMSDR', 'DC'])

/**
 * Share of requests that did not fail, in percent, as the pods saw it, plus the failures that never reached a pod.
 * A failure is a 5xx or code 0 (the answer never came). Mirrored requests are counted by the pods only.
 */
export const requestSuccessRate: BuiltinMetric = {
  title: 'success rate',
  unit: 'percent',
  flushMs: 0,
  query: (backend, range) =>
    selectors(backend)
      .map((selector) => `last_over_time(istio_requests_total{${selector}}[${range}])`)
      .join(' or '),
  queryTogether: renderTogether,
  isOf: ({ namespace, workload, service }, { labels }) =>
    (labels.destination_workload === workload && labels.destination_workload_namespace === namespace) ||
    (labels.reporter === 'source' &&
      labels.destination_service_name === service &&
      labels.destination_service_namespace === namespace),
  read: (increases) => summarise(count(increases)),
  count: (increases) => {
    const { requests, errors: failures } = total(count(increases))
    return success({ requests, failures, failing: 'failed' })
  },
}

/** The last one: where no host was chosen (UH), the caller's proxy knows the Service, not the workload. */
function selectors({ namespace, workload, service }: Backend): readonly string[] {
  const pods = `destination_workload_namespace=${quote(namespace)},destination_workload=${quote(workload)}`
  const unchosen = [
    `destination_service_namespace=${quote(namespace)}`,
    `destination_service_name=${quote(service)}`,
    `destination_workload!=${quote(workload)}`,
  ].join(',')
  const failed = 'response_code=~"0|5.."'
  return [
    `reporter="destination",${pods}`,
    `reporter="source",${failed},${pods}`,
    `reporter="source",${failed},${unchosen}`,
  ]
}

const KEPT_LABELS = [
  'reporter',
  'destination_workload',
  'destination_workload_namespace',
  'destination_service_name',
  'destination_service_namespace',
  'response_code',
  'response_flags',
] as const

function renderTogether(backends: readonly Backend[], range: string): string {
  const namespaces = backends.map(({ namespace }) => namespace)
  const workloads = backends.map(({ workload }) => workload)
  const services = backends.map(({ service }) => service)
  const pods = [isOneOf('destination_workload_namespace', namespaces), isOneOf('destination_workload', workloads)]
  const unchosen = [
    isOneOf('destination_service_namespace', namespaces),
    isOneOf('destination_service_name', services),
    { ...isOneOf('destination_workload', workloads), operator: '!~' as const },
  ]
  const failed = matches('response_code', '0|5..')
  const selectors = [
    [equals('reporter', 'destination'), ...pods],
    [equals('reporter', 'source'), failed, ...pods],
    [equals('reporter', 'source'), failed, ...unchosen],
  ]
  return renderSums('istio_requests_total', selectors, KEPT_LABELS, range)
}

interface Counts {
  /** Seen by the pods of the new version. */
  readonly reached: number
  readonly serverErrors: number
  /** Seen by the pods, without an answer. */
  readonly unanswered: number
  /** Seen by callers only. */
  readonly unreached: number
  /** Seen by callers, and by the pods if they lived. */
  readonly interrupted: number
}

function count(increases: readonly Sample[]): Counts {
  const sum = (matches: (sample: Sample) => boolean) =>
    increases.filter(matches).reduce((total, sample) => total + sample.value, 0)
  return {
    reached: sum(isReached),
    serverErrors: sum((sample) => isReached(sample) && /^5/.test(codeOf(sample))),
    unanswered: sum((sample) => isReached(sample) && codeOf(sample) === '0'),
    unreached: sum((sample) => !isReached(sample) && hasFlag(sample, UNREACHED)),
    interrupted: sum((sample) => !isReached(sample) && isInterrupted(sample)),
  }
}

const isReached = ({ labels }: Sample): boolean => labels.reporter === 'destination'

const codeOf = ({ labels }: Sample): string => labels.response_code ?? ''

const hasFlag = ({ labels }: Sample, flags: ReadonlySet<string>): boolean =>
  (labels.response_flags ?? '').split(',').some((flag) => flags.has(flag))

const isInterrupted = (sample: Sample): boolean =>
  !hasFlag(sample, UNREACHED) && (hasFlag(sample, INTERRUPTED) || codeOf(sample) === '0')

function total({ reached, serverErrors, unanswered, unreached, interrupted }: Counts) {
  const lost = unreached + Math.max(0, interrupted - unanswered)
  return { lost, requests: reached + lost, errors: serverErrors + unanswered + lost }
}

function summarise(counts: Counts): Measurement {
  const { lost, requests, errors } = total(counts)
  if (requests === 0) return { requests, errors, evidence: 'no requests' }
  const lostPart = lost > 0 ? `, ${lost} of them never reached a pod` : ''
  return {
    value: (100 * (requests - errors)) / requests,
    requests,
    errors,
    evidence: `${errors} of ${requests} requests failed${lostPart}`,
  }
}

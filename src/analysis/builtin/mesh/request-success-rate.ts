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
 * Share of requests that did not fail, in percent. Pods and callers count the same requests; whoever counted more of
 * them is believed. Pods alone know of mirrored requests, of callers without a proxy, and of each attempt; to theirs the
 * failures are added that never reached a pod. Callers alone are read while Prometheus does not know a new pod yet
 * (5 s and more), or when it died unread. A failure is a 5xx or code 0 (the answer never came).
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
    const { requests, errors: failures } = count(increases)
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
  return [
    `reporter="destination",${pods}`,
    `reporter="source",${pods}`,
    `reporter="source",response_code=~"0|5..",${unchosen}`,
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
    [equals('reporter', 'source'), ...pods],
    [equals('reporter', 'source'), failed, ...unchosen],
  ]
  return renderSums('istio_requests_total', selectors, KEPT_LABELS, range)
}

interface Count {
  readonly requests: number
  readonly errors: number
  /** Errors that no pod has seen. */
  readonly lost: number
}

function count(increases: readonly Sample[]): Count {
  const [pods, callers] = [countOfPods(increases), countOfCallers(increases)]
  return callers.requests > pods.requests ? callers : pods
}

function countOfPods(increases: readonly Sample[]): Count {
  const sum = sumOf(increases)
  const reached = sum(isReached)
  const serverErrors = sum((sample) => isReached(sample) && /^5/.test(codeOf(sample)))
  const unanswered = sum((sample) => isReached(sample) && codeOf(sample) === '0')
  const unreached = sum(isUnreached)
  // Callers see it, and the pods too if they live.
  const interrupted = sum(isInterrupted)
  const lost = unreached + Math.max(0, interrupted - unanswered)
  return { requests: reached + lost, errors: serverErrors + unanswered + lost, lost }
}

function countOfCallers(increases: readonly Sample[]): Count {
  const sum = sumOf(increases)
  return { requests: sum((sample) => !isReached(sample)), errors: sum(isFailedCall), lost: sum(isUnreached) }
}

const sumOf = (increases: readonly Sample[]) => (matches: (sample: Sample) => boolean) =>
  increases.filter(matches).reduce((total, sample) => total + sample.value, 0)

const isReached = ({ labels }: Sample): boolean => labels.reporter === 'destination'

const isFailedCall = (sample: Sample): boolean => !isReached(sample) && /^(0|5..)$/.test(codeOf(sample))

const codeOf = ({ labels }: Sample): string => labels.response_code ?? ''

const hasFlag = ({ labels }: Sample, flags: ReadonlySet<string>): boolean =>
  (labels.response_flags ?? '').split(',').some((flag) => flags.has(flag))

const isUnreached = (sample: Sample): boolean => isFailedCall(sample) && hasFlag(sample, UNREACHED)

const isInterrupted = (sample: Sample): boolean =>
  isFailedCall(sample) && !hasFlag(sample, UNREACHED) && (hasFlag(sample, INTERRUPTED) || codeOf(sample) === '0')

function summarise({ requests, errors, lost }: Count): Measurement {
  if (requests === 0) return { requests, errors, evidence: 'no requests' }
  const lostPart = lost > 0 ? `, ${lost} of them never reached a pod` : ''
  return {
    value: (100 * (requests - errors)) / requests,
    requests,
    errors,
    evidence: `${errors} of ${requests} requests failed${lostPart}`,
  }
}

import { durations, EPOCH, requests } from '../analysis/mesh-history.ts'
import { type Labels, type Series, scraped } from '../support/history.ts'

type ValueAt = (second: number) => number

const perSecond =
  (rate: number): ValueAt =>
  (second) =>
    rate * second
const always =
  (value: number): ValueAt =>
  () =>
    value

/** Any series, scraped each second from 0 to 90 or for its life. */
function series(name: string, labels: Labels, at: ValueAt, life: readonly [number, number] = [0, 90]): Series {
  const points = scraped(life[0], life[1], at).map(([second, value]) => [EPOCH + second, value] as const)
  return { name, labels, points }
}

const POD = 'web-7d9f8c6b5-x2x4z'
/** Pods whose numbers are none of the new version's, though their names begin alike. */
const OTHER_PODS = ['web-primary-6f7d8c9b4-abcde', 'web-api-7d9f8c6b5-x2x4z', 'web']

interface Application {
  readonly name: string
  readonly labels?: Labels
  readonly at: ValueAt
  readonly pod?: string
  readonly life?: readonly [number, number]
}

const ofPods = (namespace: string, counters: readonly Application[]): readonly Series[] =>
  counters.map(({ name, labels = {}, at, pod = POD, life }) =>
    series(name, { namespace, pod, container: 'web', ...labels }, at, life),
  )

const ofOthers = (namespace: string, counter: Omit<Application, 'pod'>): readonly Series[] =>
  OTHER_PODS.flatMap((pod) => ofPods(namespace, [{ ...counter, pod }]))

const ok = { response_code: '200' }
const limited = { response_code: '429' }
const broken = { response_code: '503' }

const mesh: readonly Series[] = [
  ...requests('good', [
    { pod: 'web-1', labels: ok, at: perSecond(10) },
    { pod: 'web-1', labels: limited, at: always(500) },
    { pod: 'web-old', labels: limited, at: perSecond(10), life: [0, 55] },
  ]),
  ...requests('bad', [
    { pod: 'web-1', labels: ok, at: perSecond(3) },
    { pod: 'web-1', labels: limited, at: perSecond(1) },
  ]),
  ...requests('broken', [
    { pod: 'web-1', labels: ok, at: perSecond(3) },
    { pod: 'web-1', labels: broken, at: perSecond(1) },
  ]),
  ...requests('first-error', [
    { pod: 'web-1', labels: ok, at: perSecond(10) },
    { pod: 'web-1', labels: limited, at: always(1), life: [66, 90] },
  ]),
  ...requests('all-failed', [{ pod: 'web-1', labels: limited, at: perSecond(1), life: [64, 90] }]),
  ...requests('restarted', [
    { pod: 'web-1', labels: ok, at: perSecond(10) },
    { pod: 'web-1', labels: limited, at: (second) => (second < 65 ? 500 : 0) },
  ]),
  ...requests('idle', [{ pod: 'web-1', labels: ok, at: always(500) }]),
  ...durations('good', 'web-1', { '10': 0, '25': 10, '50': 0, '250': 0, '500': 0, '+Inf': 0 }),
  ...durations('bad', 'web-1', { '10': 0, '25': 10, '50': 10, '250': 20, '500': 20, '+Inf': 40 }),
]

const primary = { destination_workload: 'web-primary' }

const burning: readonly Series[] = [
  ...requests('saving', [
    { pod: 'web-1', labels: broken, at: perSecond(1) },
    { pod: 'primary-1', labels: { ...ok, ...primary }, at: perSecond(199) },
  ]),
  ...requests('burning', [
    { pod: 'web-1', labels: broken, at: perSecond(5) },
    { pod: 'primary-1', labels: { ...ok, ...primary }, at: perSecond(95) },
    { pod: 'other-1', labels: { ...ok, destination_workload: 'web-api' }, at: perSecond(1_000) },
  ]),
  ...requests('burnt', [
    { pod: 'web-1', labels: broken, at: (second) => 50 * Math.min(second, 55) },
    { pod: 'primary-1', labels: { ...ok, ...primary }, at: perSecond(100) },
  ]),
]

const status = (number: string): Labels => ({ ...ok, request_protocol: 'grpc', grpc_response_status: number })

const grpc: readonly Series[] = [
  ...requests('grpc-good', [
    { pod: 'web-1', labels: status('0'), at: perSecond(9) },
    { pod: 'web-1', labels: status('5'), at: perSecond(1) },
    { pod: 'web-1', labels: { ...broken, request_protocol: 'http' }, at: perSecond(10) },
  ]),
  ...requests('grpc-bad', [
    { pod: 'web-1', labels: status('0'), at: perSecond(3) },
    { pod: 'web-1', labels: status('13'), at: perSecond(1) },
  ]),
  ...requests('grpc-lost', [
    { pod: 'web-1', labels: status('0'), at: perSecond(8) },
    { pod: 'web-1', labels: status('-'), at: perSecond(1) },
    { pod: 'web-1', labels: status(''), at: perSecond(1) },
  ]),
]

const handled = (code: string, at: ValueAt): Application => ({
  name: 'grpc_server_handled_total',
  labels: { grpc_code: code },
  at,
})
const answered = (code: string, at: ValueAt): Application => ({
  name: 'http_request_duration_seconds_count',
  labels: { status: code },
  at,
})

const applications: readonly Series[] = [
  ...ofPods('app-good', [
    handled('OK', perSecond(9)),
    handled('NotFound', perSecond(1)),
    answered('200', perSecond(9)),
  ]),
  ...ofOthers('app-good', handled('Internal', perSecond(9))),
  ...ofOthers('app-good', answered('500', perSecond(9))),
  ...ofPods('app-bad', [handled('OK', perSecond(3)), handled('Unavailable', perSecond(1))]),
  ...ofPods('app-bad', [answered('200', perSecond(3)), answered('500', perSecond(1))]),
  ...ofPods('app-idle', [handled('OK', always(7)), answered('200', always(7))]),
]

interface Timed {
  readonly name: string
  readonly labels: Labels
  /** Upper bound -> requests a second up to it. */
  readonly upTo: Readonly<Record<string, number>>
}

const timed = ({ name, labels, upTo }: Timed): readonly Series[] =>
  Object.entries(upTo).map(([le, rate]) => series(name, { ...labels, le }, perSecond(rate)))

const FAST = { '0.1': 10, '0.5': 10, '1': 10, '+Inf': 10 }
const SLOW = { '0.1': 1, '0.5': 4, '1': 10, '+Inf': 10 }
const FAST_MS = { '100': 10, '500': 10, '1000': 10, '+Inf': 10 }
const SLOW_MS = { '100': 1, '500': 4, '1000': 10, '+Inf': 10 }

const histograms: readonly Series[] = (['app-good', 'app-bad'] as const).flatMap((namespace) => {
  const isGood = namespace === 'app-good'
  const seconds = isGood ? FAST : SLOW
  const backend = (service: string): Labels => ({ namespace, ingress: 'web', canary: `${namespace}-${service}-http` })
  const inbound = (deployment: string): Labels => ({ namespace, deployment, direction: 'inbound' })
  const name = 'http_request_duration_seconds_bucket'
  const nginx = 'nginx_ingress_controller_request_duration_seconds_bucket'
  return [
    ...timed({ name, labels: { namespace, pod: POD }, upTo: seconds }),
    ...OTHER_PODS.flatMap((pod) => timed({ name, labels: { namespace, pod }, upTo: SLOW })),
    ...timed({ name: nginx, labels: backend('web-canary'), upTo: seconds }),
    ...timed({ name: nginx, labels: backend('web-primary'), upTo: SLOW }),
    ...timed({ name: 'response_latency_ms_bucket', labels: inbound('web'), upTo: isGood ? FAST_MS : SLOW_MS }),
    ...timed({ name: 'response_latency_ms_bucket', labels: inbound('web-primary'), upTo: SLOW_MS }),
    ...timed({
      name: 'response_latency_ms_bucket',
      labels: { ...inbound('web'), direction: 'outbound' },
      upTo: SLOW_MS,
    }),
    series('response_total', { ...inbound('web'), status_code: '200' }, perSecond(3)),
    series('response_total', { ...inbound('web'), status_code: isGood ? '404' : '500' }, perSecond(1)),
    series('response_total', { ...inbound('web-primary'), status_code: '500' }, perSecond(9)),
    series('nginx_ingress_controller_requests', { ...backend('web-canary'), status: '200' }, perSecond(3)),
    series(
      'nginx_ingress_controller_requests',
      { ...backend('web-canary'), status: isGood ? '404' : '502' },
      perSecond(1),
    ),
    series('nginx_ingress_controller_requests', { ...backend('web-primary'), status: '502' }, perSecond(9)),
    series('nginx_ingress_controller_requests', { namespace, canary: '', status: '502' }, perSecond(9)),
  ]
})

const cpu = (at: ValueAt): Application => ({ name: 'container_cpu_usage_seconds_total', at })
const memory = (at: ValueAt): Application => ({ name: 'container_memory_working_set_bytes', at })
const limit = (resource: string, value: number): Application => ({
  name: 'kube_pod_container_resource_limits',
  labels: { resource },
  at: always(value),
})
const restarts = (at: ValueAt, life?: readonly [number, number]): Application => ({
  name: 'kube_pod_container_status_restarts_total',
  at,
  ...(life === undefined ? {} : { life }),
})

const saturation: readonly Series[] = [
  ...ofPods('calm', [cpu(perSecond(0.2)), limit('cpu', 0.5), memory(always(700)), limit('memory', 1_000)]),
  ...ofPods('calm', [restarts(always(3))]),
  ...ofOthers('calm', cpu(perSecond(0.5))),
  ...ofOthers('calm', limit('cpu', 0.5)),
  ...ofOthers('calm', restarts(perSecond(1))),
  ...ofPods('full', [cpu(perSecond(0.475)), limit('cpu', 0.5), limit('memory', 1_000)]),
  ...ofPods('full', [memory((second) => (second === 65 ? 950 : 700)), restarts((second) => (second < 66 ? 3 : 4))]),
  ...ofPods('unlimited', [cpu(perSecond(1)), memory(always(700))]),
  ...ofPods('crashing', [restarts(always(2), [66, 90])]),
]

function replicas(namespace: string, available: ValueAt, wanted: number): readonly Series[] {
  const labels = { namespace, deployment: 'web' }
  return [
    series('kube_deployment_status_replicas_available', labels, available),
    series('kube_deployment_spec_replicas', labels, always(wanted)),
    series('kube_deployment_status_replicas_available', { ...labels, deployment: 'web-primary' }, always(1)),
    series('kube_deployment_spec_replicas', { ...labels, deployment: 'web-primary' }, always(9)),
  ]
}

const availability: readonly Series[] = [
  ...replicas('calm', always(4), 4),
  ...replicas('flapping', (second) => (second === 65 ? 2 : 4), 4),
  ...replicas('gone', always(0), 0),
]

const queues: readonly Series[] = [
  ...(['0', '1'] as const).flatMap((partition) => [
    series('kafka_consumergroup_lag', { consumergroup: 'short', topic: 'orders', partition }, always(100)),
    series('kafka_consumergroup_lag', { consumergroup: 'long', topic: 'orders', partition }, perSecond(100)),
  ]),
  series('rabbitmq_queue_messages_ready', { queue: 'short' }, always(200)),
  series('rabbitmq_queue_messages_ready', { queue: 'long' }, perSecond(100)),
]

const shop = (orders: number, checkouts: number, pod = POD): readonly Application[] => [
  { name: 'orders_completed_total', at: perSecond(orders), pod },
  { name: 'checkouts_started_total', at: perSecond(checkouts), pod },
]
const [PRIMARY_POD] = OTHER_PODS

const business: readonly Series[] = [
  ...ofPods('selling', [...shop(45, 100), ...shop(200, 400, PRIMARY_POD)]),
  ...ofPods('losing', [...shop(20, 100), ...shop(200, 400, PRIMARY_POD)]),
  ...ofPods('alone', shop(45, 100)),
  ...ofPods('nobody', [...shop(0, 0), ...shop(200, 400, PRIMARY_POD)]),
]

export const history: readonly Series[] = [
  ...mesh,
  ...burning,
  ...grpc,
  ...applications,
  ...histograms,
  ...saturation,
  ...availability,
  ...queues,
  ...business,
]

import { type ConfigMap, type Deployment, type KubernetesObject, maxReleasesAnnotation } from '../../src/api/index.ts'
import { deployment, gateway, images } from '../../src/cli/demo/manifests.ts'

export const namespace = 'soak'

export interface App {
  readonly name: string
  /** How it is released, in words. */
  readonly shape: string
  readonly host: string
  readonly objects: readonly object[]
}

interface Shape {
  readonly words: string
  readonly replicas?: number
  readonly analysis: object
  readonly spec?: object
}

const common = {
  interval: '4s',
  threshold: 1,
  metrics: [
    { name: 'request-success-rate', thresholdRange: { min: 99 } },
    { name: 'request-duration', thresholdRange: { max: 1000 } },
  ],
}
const weights = { ...common, stepWeights: [20, 50] }

/** Every way that a release can go. */
const shapes: readonly Shape[] = [
  { words: 'mirrored, then weights', analysis: weights },
  { words: 'weights, back by steps', analysis: { ...weights, mirror: false, stepWeightPromotion: 50 } },
  { words: 'two replicas', replicas: 2, analysis: weights },
  { words: 'A/B', analysis: { ...common, iterations: 2, match: [{ headers: { 'x-group': { exact: 'beta' } } }] } },
  { words: 'session affinity', analysis: { ...weights, sessionAffinity: { cookieName: 'seen' } } },
  { words: 'blue/green', analysis: { ...common, iterations: 2 } },
  {
    words: 'compared with the primary',
    analysis: { ...weights, metrics: [{ name: 'request-success-rate', comparison: { minRequests: 30 } }] },
  },
  { words: 'without analysis', analysis: weights, spec: { skipAnalysis: true } },
]

/** As many as wanted, each with a Canary, a ConfigMap that its program reads, and one pod or two. */
export const buildApps = (count: number): readonly App[] =>
  Array.from({ length: count }, (_, index) =>
    buildApp(`web-${index}`, shapes[index % shapes.length] ?? { words: '', analysis: weights }),
  )

function buildApp(name: string, { words, replicas = 1, analysis, spec }: Shape): App {
  const host = `${name}.example.com`
  const env = [{ name: 'GREETING', valueFrom: { configMapKeyRef: { name, key: 'greeting' } } }]
  const workload = inNamespace(deployment({ name, image: 'demo/web:1.0.0', env, probe: '/healthz' }))
  const service = { port: 80, targetPort: 8080, gateways: [`${namespace}/public`, 'mesh'], hosts: [host] }
  const canary = {
    apiVersion: 'sluice.dev/v1',
    kind: 'Canary',
    metadata: { name, namespace },
    spec: { targetRef: { kind: 'Deployment', name }, service, progressDeadlineSeconds: 300, ...spec, analysis },
  }
  const config: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data: { greeting: 'hello' },
  }
  const objects = [config, withReplicas(workload, replicas), canary]
  return { name, shape: words, host, objects }
}

const inNamespace = (object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
})

/** On a busy machine a program is late: taken out of traffic for that, it would leave its service without any. */
function withReplicas(workload: KubernetesObject, replicas: number): object {
  const { spec, ...rest } = workload as Deployment
  const containers = spec.template.spec.containers.map((container) => ({
    ...container,
    readinessProbe: { ...container.readinessProbe, timeoutSeconds: 5, failureThreshold: 5 },
  }))
  const template = { ...spec.template, spec: { ...spec.template.spec, containers } }
  return { ...rest, spec: { ...spec, replicas, template } }
}

/** What all of them share: a namespace that lets so many releases be in progress, programs, and a gateway. */
export const shared = (atOnce: number): readonly object[] => [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, annotations: { [maxReleasesAnnotation]: String(atOnce) } },
  },
  ...images,
  ...gateway.map(inNamespace),
]

/** A pod that sends load: `$(NAME)` in addresses of its targets are variables of the pod. */
export function clientPod({ name, program, isMeshed, requestsPerSecond, targets }: ClientOptions): readonly object[] {
  const env = [
    { name: 'REQUESTS_PER_SECOND', value: String(requestsPerSecond) },
    { name: 'TARGETS', value: JSON.stringify(targets) },
  ]
  const pod = deployment({ name, image: 'soak/load:1.0.0', env, probe: '/healthz' })
  const image = {
    apiVersion: 'local.sluice.dev/v1',
    kind: 'LocalImage',
    metadata: { name: 'soak-load' },
    spec: { repository: 'soak/load', argv: [program] },
  }
  const text = JSON.stringify(inNamespace(pod))
  const inject = '"sidecar.istio.io/inject":'
  return [image, JSON.parse(isMeshed ? text : text.replace(`${inject}"true"`, `${inject}"false"`))]
}

interface ClientOptions {
  readonly name: string
  readonly program: string
  readonly isMeshed: boolean
  readonly requestsPerSecond: number
  readonly targets: readonly { readonly name: string; readonly address: string; readonly host: string }[]
}

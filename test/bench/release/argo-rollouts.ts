import { collection, creation, openDefinition, STEP_WEIGHT, type Subject } from './subject.ts'
import { imagePatch, workloadSpec } from './workload.ts'

const GROUP = 'argoproj.io'
const API = `${GROUP}/v1alpha1`

/** Argo Rollouts, as `go build ./cmd/rollouts-controller` of its repository makes it. */
export const createArgoRollouts = (binary: string): Subject => ({
  name: 'Argo Rollouts',
  version: binary,
  customResourceDefinitions: [
    openDefinition(GROUP, 'v1alpha1', { kind: 'Rollout', plural: 'rollouts' }, { status: {}, scale }),
    ...[
      { kind: 'AnalysisRun', plural: 'analysisruns' },
      { kind: 'AnalysisTemplate', plural: 'analysistemplates' },
      { kind: 'ClusterAnalysisTemplate', plural: 'clusteranalysistemplates', scope: 'Cluster' as const },
      { kind: 'Experiment', plural: 'experiments' },
    ].map((names) => openDefinition(GROUP, 'v1alpha1', names, {})),
  ],
  command: ({ kubeconfig, port }) => ({
    command: binary,
    args: [
      ...['--kubeconfig', kubeconfig, '--leader-elect=false', '--istio-api-version', 'v1'],
      ...['--metricsPort', String(port), '--healthzPort', '0'],
    ],
  }),
  shared: (address, interval) => [
    creation(API, 'AnalysisTemplate', 'analysistemplates', {
      metadata: { name: 'success' },
      spec: {
        args: [{ name: 'app' }],
        metrics: [
          {
            ...{ name: 'success', interval, failureLimit: 0, successCondition: 'result[0] >= 99' },
            provider: { prometheus: { address, query: successRate('{{args.app}}-canary', interval) } },
          },
        ],
      },
    }),
  ],
  app: (name, interval) => [
    ...['stable', 'canary'].map((side) =>
      creation('v1', 'Service', 'services', {
        metadata: { name: `${name}-${side}` },
        spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
      }),
    ),
    creation('networking.istio.io/v1', 'VirtualService', 'virtualservices', { metadata: { name }, spec: route(name) }),
    creation(API, 'Rollout', 'rollouts', {
      metadata: { name },
      spec: { ...workloadSpec(name), strategy: { canary: strategy(name, interval) } },
    }),
  ],
  imageChange: (name, tag) => ({ path: `${collection(API, 'rollouts')}/${name}`, body: imagePatch(tag) }),
  releases: collection(API, 'rollouts'),
  isReady: ({ metadata, status }) =>
    status?.phase === 'Healthy' && String(status.observedGeneration) === String(metadata.generation),
  isTakenBack: ({ status }) => status?.phase === 'Degraded',
})

/** Percentage of good answers of a Service, over as long a time as the others look back. */
function successRate(service: string, interval: string): string {
  const rate = (codes: string) =>
    `sum(rate(istio_requests_total{reporter="destination",destination_service_name="${service}"${codes}}[${interval}]))`
  return `100 * ${rate(',response_code!~"5.*"')} / ${rate('')}`
}

const scale = {
  labelSelectorPath: '.status.selector',
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.HPAReplicas',
}

const route = (name: string): object => ({
  hosts: [name],
  http: [
    {
      name: 'primary',
      route: [
        { destination: { host: `${name}-stable` }, weight: 100 },
        { destination: { host: `${name}-canary` }, weight: 0 },
      ],
    },
  ],
})

/** Its pauses are as long as the interval of the others; the analysis runs beside the steps from the first weight on. */
const strategy = (name: string, interval: string): object => ({
  canaryService: `${name}-canary`,
  stableService: `${name}-stable`,
  trafficRouting: { istio: { virtualService: { name, routes: ['primary'] } } },
  analysis: { templates: [{ templateName: 'success' }], args: [{ name: 'app', value: name }], startingStep: 1 },
  steps: [1, 2, 3, 4, 5].flatMap((step) => [
    { setWeight: step * STEP_WEIGHT },
    { pause: { duration: step === 5 ? '600s' : interval } },
  ]),
})

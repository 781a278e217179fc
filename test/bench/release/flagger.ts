import { collection, creation, openDefinition, STEP_WEIGHT, type Subject } from './subject.ts'
import { imagePatch, workloadSpec } from './workload.ts'

const GROUP = 'flagger.app'
const API = `${GROUP}/v1beta1`

/** Flagger, as `go build ./cmd/flagger` of its repository makes it. */
export const createFlagger = (binary: string): Subject => ({
  name: 'Flagger',
  version: binary,
  customResourceDefinitions: [
    { kind: 'Canary', plural: 'canaries' },
    { kind: 'MetricTemplate', plural: 'metrictemplates' },
    { kind: 'AlertProvider', plural: 'alertproviders' },
  ].map((names) => openDefinition(GROUP, 'v1beta1', names, { status: {} })),
  command: ({ kubeconfig, prometheusUrl, port }) => ({
    command: binary,
    args: [
      ...[`-kubeconfig=${kubeconfig}`, `-metrics-server=${prometheusUrl}`, `-port=${port}`],
      ...['-mesh-provider=istio', '-log-level=info'],
    ],
  }),
  shared: () => [],
  app: (name, interval) => [
    creation('apps/v1', 'Deployment', 'deployments', { metadata: { name }, spec: workloadSpec(name) }),
    creation(API, 'Canary', 'canaries', {
      metadata: { name },
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        service: { port: 80, targetPort: 8080 },
        analysis: {
          ...{ interval, threshold: 1, stepWeight: STEP_WEIGHT, maxWeight: 50 },
          metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 }, interval }],
        },
      },
    }),
  ],
  imageChange: (name, tag) => ({ path: `${collection('apps/v1', 'deployments')}/${name}`, body: imagePatch(tag) }),
  releases: collection(API, 'canaries'),
  isReady: ({ status }) => status?.phase === 'Initialized',
  isTakenBack: ({ status }) => status?.phase === 'Failed',
})

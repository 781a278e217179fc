import { allCustomResourceDefinitions } from '../../../src/api/index.ts'
import type { Bundle } from './bundle.ts'
import { collection, creation, STEP_WEIGHT, type Subject } from './subject.ts'
import { imagePatch, workloadSpec } from './workload.ts'

/** Our own controller, as a release has it. */
export function createSluice({ program }: Pick<Bundle, 'program'>): Subject {
  return {
    name: 'Sluice',
    version: 'the bundle of these sources',
    customResourceDefinitions: allCustomResourceDefinitions,
    command: ({ kubeconfig, prometheusUrl, port }) => ({
      command: program,
      args: [
        'controller',
        ...['--kubeconfig', kubeconfig, '--metrics-server', prometheusUrl],
        ...['--mesh-provider', 'istio', '--scrape-interval', '1s', '--listen', `127.0.0.1:${port}`],
      ],
    }),
    shared: () => [],
    app: (name, interval) => [
      creation('apps/v1', 'Deployment', 'deployments', { metadata: { name }, spec: workloadSpec(name) }),
      creation('sluice.dev/v1', 'Canary', 'canaries', {
        metadata: { name },
        spec: {
          targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
          service: { port: 80, targetPort: 8080 },
          analysis: {
            ...{ interval, threshold: 1, stepWeight: STEP_WEIGHT, maxWeight: 50 },
            metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }],
          },
        },
      }),
    ],
    imageChange: (name, tag) => ({ path: `${collection('apps/v1', 'deployments')}/${name}`, body: imagePatch(tag) }),
    releases: collection('sluice.dev/v1', 'canaries'),
    isReady: ({ status }) => status?.phase === 'Initialized',
    isTakenBack: ({ status }) => status?.phase === 'Failed',
  }
}

import { fileURLToPath } from 'node:url'
import type { KubernetesObject } from '../../api/index.ts'

const program = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

const localImage = (name: string, repository: string, file: string): KubernetesObject => ({
  apiVersion: 'local.sluice.dev/v1',
  kind: 'LocalImage',
  metadata: { name },
  ...{ spec: { repository, argv: [process.execPath, program(file)], env: { VERSION: '{{ tag }}' } } },
})

/** What the demo's images run. */
export const images: readonly KubernetesObject[] = [
  localImage('demo-web', 'demo/web', './web.ts'),
  localImage('demo-client', 'demo/client', './client.ts'),
]

interface DeploymentShape {
  readonly name: string
  readonly image: string
  readonly env?: readonly object[]
  readonly probe: string
}

/** With one port, of HTTP, and a sidecar. */
export const deployment = ({ name, image, env, probe }: DeploymentShape): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default', labels: { app: name } },
  ...{
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, 'sidecar.istio.io/inject': 'true' } },
        spec: {
          containers: [
            {
              name,
              image,
              ports: [{ name: 'http', containerPort: 8080 }],
              ...(env === undefined ? {} : { env }),
              readinessProbe: { httpGet: { path: probe, port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
})

export const gateway: readonly KubernetesObject[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'ingressgateway', namespace: 'default' },
    ...{
      spec: {
        replicas: 1,
        selector: { matchLabels: { istio: 'ingressgateway' } },
        template: {
          metadata: {
            labels: { istio: 'ingressgateway', 'sidecar.istio.io/inject': 'true' },
            annotations: { 'inject.istio.io/templates': 'gateway' },
          },
          spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] },
        },
      },
    },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'public', namespace: 'default' },
    ...{
      spec: {
        selector: { istio: 'ingressgateway' },
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      },
    },
  },
]

/** The released service in its first version. */
export const web = (version: string): KubernetesObject =>
  deployment({ name: 'web', image: `demo/web:${version}`, probe: '/healthz' })

export const client = (requestsPerSecond: number): KubernetesObject =>
  deployment({
    name: 'client',
    image: 'demo/client:1.0.0',
    env: [{ name: 'REQUESTS_PER_SECOND', value: String(requestsPerSecond) }],
    probe: '/',
  })

export const canary: KubernetesObject = {
  apiVersion: 'sluice.dev/v1',
  kind: 'Canary',
  metadata: { name: 'web', namespace: 'default' },
  ...{
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      service: { port: 80, targetPort: 8080, gateways: ['default/public', 'mesh'], hosts: ['web.example.com'] },
      progressDeadlineSeconds: 60,
      analysis: {
        interval: '4s',
        threshold: 1,
        stepWeights: [20, 50],
        metrics: [
          { name: 'request-success-rate', thresholdRange: { min: 99 } },
          { name: 'request-duration', thresholdRange: { max: 500 } },
        ],
      },
    },
  },
}

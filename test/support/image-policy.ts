import type { Deployment, ImagePolicy } from '../../src/api/index.ts'

export const specOf = (more: Partial<ImagePolicy['spec']> = {}): ImagePolicy['spec'] => ({
  image: 'reg.example.com/web',
  semver: { range: '>=1.0.0' },
  schedule: '*/5 * * * *',
  targetRef: { kind: 'Deployment', name: 'web' },
  insecure: false,
  suspend: false,
  ...more,
})

export const policyOf = (more: Partial<ImagePolicy['spec']> = {}): ImagePolicy => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'ImagePolicy',
  metadata: { name: 'web', namespace: 'default' },
  spec: specOf(more),
})

/** A Deployment with containers c0, c1, ... of these images. */
export const deploymentOf = (...images: readonly string[]): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) },
    },
  },
})

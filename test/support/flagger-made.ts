import {
  apiVersionOf,
  type Canary,
  type ConfigMap,
  configMapKind,
  type Deployment,
  deploymentKind,
  flaggerCanaryKind,
  type KubernetesObject,
  type Service,
  serviceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import type { ReleaseCluster } from './release-cluster.ts'

const namespace = 'default'
export const ref = { namespace, name: 'web' }

/** As Flagger's users have it, for a workload that they gave it. */
const flaggerSpec = {
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
  service: { port: 80 },
  revertOnDeletion: true,
  analysis: {
    interval: '10s',
    threshold: 2,
    stepWeight: 40,
    maxWeight: 40,
    metrics: [{ name: 'request-success-rate', interval: '10s', thresholdRange: { min: 99 } }],
  },
}

const apart = (app: string) => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: { app } }, topologyKey: 'kubernetes.io/hostname' },
    ],
  },
})

/** Pods with settings, each on a node of its own. */
const podsOf = (app: string, settings: string, image: string, annotations: Readonly<Record<string, string>>) => ({
  metadata: { labels: { app }, annotations: { note: 'a', ...annotations } },
  spec: {
    affinity: apart(app),
    containers: [{ name: 'web', image, envFrom: [{ configMapRef: { name: settings } }] }],
  },
})

const target = (image = 'web:1'): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { ...ref, labels: { app: 'web', 'app.kubernetes.io/instance': 'shop' } },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: 'web' } },
    template: podsOf('web', 'settings', image, {}),
  },
})

const primary = (): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name: 'web-primary', labels: { app: 'web-primary' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web-primary' } },
    template: podsOf('web-primary', 'settings-primary', 'web:1', { 'flagger-id': '8b0f6a2e' }),
  },
})

const settings = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data: { color: 'blue' },
})

const serviceOf = (name: string, app: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name, labels: { app: name } },
  spec: { type: 'ClusterIP', selector: { app }, ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 80 }] },
})

const route = (hosts: readonly string[], gateways: readonly string[]): VirtualService => ({
  apiVersion: apiVersionOf(virtualServiceKind),
  kind: 'VirtualService',
  metadata: ref,
  spec: {
    hosts,
    gateways,
    http: [
      {
        route: [
          { destination: { host: 'web-primary' }, weight: 100 },
          { destination: { host: 'web-canary' }, weight: 0 },
        ],
      },
    ],
  },
})

/** A change by the user. */
export async function setTemplate({ user }: ReleaseCluster, image: string): Promise<void> {
  const { template } = target(image).spec
  await user.patch(deploymentKind, ref, { spec: { template } }, { type: 'merge' })
}

/** What Flagger writes when nothing is released; its revisions are its own. */
const status = {
  phase: 'Succeeded',
  canaryWeight: 0,
  failedChecks: 0,
  iterations: 0,
  lastAppliedSpec: '5d98b8f4cf',
  lastPromotedSpec: '5d98b8f4cf',
  lastTransitionTime: '2026-01-01T00:00:00Z',
} as const

interface Published {
  readonly hosts: readonly string[]
  readonly gateways: readonly string[]
}

/** A cluster as Flagger 1.44 leaves it: every object of the Canary `web`, written and owned as its source has it. */
export async function makeAsFlagger(cluster: ReleaseCluster, published?: Published): Promise<void> {
  const { user } = cluster
  const created = await user.create(flaggerCanaryKind, {
    apiVersion: apiVersionOf(flaggerCanaryKind),
    kind: 'Canary',
    metadata: { ...ref, finalizers: ['finalizer.flagger.app'] },
    spec: { ...flaggerSpec, service: { ...flaggerSpec.service, ...published } },
  } as unknown as Canary)
  const { apiVersion, kind, metadata } = created
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true }
  const owned = <T extends KubernetesObject>(object: T): T => ({
    ...object,
    metadata: { ...object.metadata, ownerReferences: [{ ...owner, blockOwnerDeletion: true }] },
  })
  await user.create(configMapKind, settings('settings'))
  await user.create(configMapKind, owned(settings('settings-primary')))
  await user.create(deploymentKind, target())
  await user.create(deploymentKind, owned(primary()))
  await user.create(serviceKind, owned(serviceOf('web', 'web-primary')))
  await user.create(serviceKind, owned(serviceOf('web-primary', 'web-primary')))
  await user.create(serviceKind, owned(serviceOf('web-canary', 'web')))
  const { hosts = [], gateways = ['mesh'] } = published ?? {}
  await user.create(virtualServiceKind, owned(route([...hosts, 'web'], gateways)))
  await user.replace(flaggerCanaryKind, { ...created, status } as Canary, 'status')
  await cluster.pass(1_000)
}

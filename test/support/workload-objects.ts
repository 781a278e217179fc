import type { Condition, Deployment, Pod, PodTemplate, ReplicaSet, Service } from '../../src/api/index.ts'

export const epoch = Date.parse('2030-01-01T00:00:00Z')
const created = '2030-01-01T00:00:00Z'

export const templateOf = (image: string): PodTemplate => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image, ports: [{ name: 'http', containerPort: 8080 }] }] },
})

export function deploymentOf(
  spec: Partial<Deployment['spec']> = {},
  rest: { readonly status?: Deployment['status']; readonly metadata?: Partial<Deployment['metadata']> } = {},
): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: 'test',
      uid: 'uid-web',
      generation: 1,
      creationTimestamp: created,
      ...rest.metadata,
    },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: templateOf('web:1'), ...spec },
    ...(rest.status === undefined ? {} : { status: rest.status }),
  }
}

export interface PodFacts {
  readonly labels?: Readonly<Record<string, string>>
  readonly ready?: boolean
  readonly readySince?: string
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  readonly deletionTimestamp?: string
  readonly podIP?: string
  readonly restarts?: number
  readonly creationTimestamp?: string
  readonly owner?: ReplicaSet
  readonly containerPort?: number
}

export function podOf(name: string, facts: PodFacts = {}): Pod {
  const ready: Partial<Condition> = {
    type: 'Ready',
    status: facts.ready === true ? 'True' : 'False',
    lastTransitionTime: facts.readySince ?? created,
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'test',
      uid: `uid-${name}`,
      creationTimestamp: facts.creationTimestamp ?? created,
      labels: facts.labels ?? { app: 'web' },
      ...(facts.deletionTimestamp === undefined ? {} : { deletionTimestamp: facts.deletionTimestamp }),
      ...(facts.owner === undefined ? {} : { ownerReferences: [ownerOf(facts.owner)] }),
    },
    spec: {
      nodeName: 'local',
      containers: [
        { name: 'web', image: 'web:1', ports: [{ name: 'http', containerPort: facts.containerPort ?? 8080 }] },
      ],
    },
    status: {
      phase: facts.phase ?? 'Running',
      conditions: [ready],
      ...(facts.podIP === undefined ? {} : { podIP: facts.podIP }),
      containerStatuses: [
        {
          name: 'web',
          image: 'web:1',
          imageID: '',
          ready: facts.ready === true,
          restartCount: facts.restarts ?? 0,
        },
      ],
    },
  }
}

const ownerOf = (owner: ReplicaSet) => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
})

export function replicaSetOf(name: string, spec: Partial<ReplicaSet['spec']> = {}): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'test', uid: `uid-${name}`, generation: 1, creationTimestamp: created },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: templateOf('web:1'), ...spec },
  }
}

export function serviceOf(spec: Partial<Service['spec']> = {}, name = 'web'): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'test', uid: `uid-${name}` },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
  }
}

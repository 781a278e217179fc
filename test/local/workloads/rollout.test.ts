import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Deployment,
  deploymentKind,
  endpointSliceKind,
  podKind,
  publishedPort,
  replicaSetKind,
  serviceKind,
} from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { getText } from '../../support/get-text.ts'
import { type LocalCluster, scriptImage, startLocalCluster } from '../../support/local-cluster.ts'

const web = scriptImage(
  'test/web',
  `const server = require('http').createServer((_, response) => response.end(process.env.VERSION))
  server.listen(Number(process.env.PORT), process.env.HOST)
  process.on('SIGTERM', () => server.close(() => process.exit(0)))`,
)

const deployment = (name: string, spec: Partial<Deployment['spec']> = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'test/web:1',
            ports: [{ name: 'http', containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
          },
        ],
      },
    },
    ...spec,
  },
})

const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
})

let cluster: LocalCluster

beforeAll(async () => {
  cluster = await startLocalCluster()
  await cluster.apply(web)
})

afterAll(() => cluster[Symbol.asyncDispose]())

const ref = (name: string) => ({ namespace: 'default', name })

const setImage = (name: string, image: string) =>
  cluster.client.patch(
    deploymentKind,
    ref(name),
    { spec: { template: { spec: { containers: [{ name: 'web', image }] } } } },
    { type: 'strategic' },
  )

const untilRolledOut = (name: string) =>
  eventually(
    async () => {
      const found = await cluster.client.get(deploymentKind, ref(name))
      const progressing = found?.status?.conditions?.find(({ type }) => type === 'Progressing')
      expect(found?.status?.observedGeneration).toBe(found?.metadata.generation)
      expect(progressing?.reason).toBe('NewReplicaSetAvailable')
      return found
    },
    { within: 30_000 },
  )

const podsOf = async (name: string) =>
  (await cluster.client.list(podKind, { namespace: 'default', labelSelector: `app=${name}` })).items

test('a rolling update answers every request of the Service', async () => {
  await cluster.apply(deployment('steady'), service('steady'))
  await untilRolledOut('steady')
  const clusterIP = (await cluster.client.get(serviceKind, ref('steady')))?.spec.clusterIP
  const address = { host: clusterIP ?? '', port: publishedPort(80) }
  await eventually(() => getText(address))

  const answers: Record<string, number> = {}
  const over = new AbortController()
  const load = (async () => {
    while (!over.signal.aborted) {
      const answer = await getText(address).catch((error: Error) => `failed: ${error.message}`)
      answers[answer] = (answers[answer] ?? 0) + 1
    }
  })()
  await setImage('steady', 'test/web:2')
  await untilRolledOut('steady')
  await eventually(async () => expect(await podsOf('steady')).toHaveLength(2))
  over.abort()
  await load
  expect(Object.keys(answers).sort()).toEqual(['1', '2'])
})

test('the revisions of a Deployment stay as sets of no pods, and its pods belong to the newest', async () => {
  await cluster.apply(deployment('history'))
  await untilRolledOut('history')
  await setImage('history', 'test/web:2')
  await untilRolledOut('history')
  const { items } = await cluster.client.list(replicaSetKind, { namespace: 'default', labelSelector: 'app=history' })
  const sizes = Object.fromEntries(
    items.map((set) => [set.metadata.annotations?.['deployment.kubernetes.io/revision'], set.status?.replicas]),
  )
  expect(sizes).toEqual({ 1: 0, 2: 2 })
  await eventually(async () => {
    const pods = await podsOf('history')
    expect(pods.map((pod) => pod.spec.containers[0]?.image)).toEqual(['test/web:2', 'test/web:2'])
  })
})

test('a version that never starts takes nothing from the one that serves, and the deadline says so', async () => {
  await cluster.apply(deployment('stuck', { progressDeadlineSeconds: 2 }))
  await untilRolledOut('stuck')
  await setImage('stuck', 'no/such/image:1')
  const failed = await eventually(async () => {
    const found = await cluster.client.get(deploymentKind, ref('stuck'))
    expect(found?.status?.conditions?.find(({ type }) => type === 'Progressing')?.reason).toBe(
      'ProgressDeadlineExceeded',
    )
    return found
  })
  expect(failed?.status?.availableReplicas).toBe(2)
  expect(failed?.status?.conditions?.find(({ type }) => type === 'Available')?.status).toBe('True')
})

test('endpoints follow the pods to zero and back', async () => {
  const ready = async () => {
    const { items } = await cluster.client.list(endpointSliceKind, {
      namespace: 'default',
      labelSelector: 'kubernetes.io/service-name=resized',
    })
    return items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready === true)
      .length
  }
  const resize = (replicas: number) =>
    cluster.client.patch(
      deploymentKind,
      ref('resized'),
      { spec: { replicas } },
      { type: 'merge', subresource: 'scale' },
    )
  await cluster.apply(deployment('resized'), service('resized'))
  await eventually(async () => expect(await ready()).toBe(2))
  await resize(0)
  await eventually(async () => expect([await ready(), (await podsOf('resized')).length]).toEqual([0, 0]))
  const clusterIP = (await cluster.client.get(serviceKind, ref('resized')))?.spec.clusterIP
  await expect(getText({ host: clusterIP ?? '', port: publishedPort(80) })).rejects.toThrow('ECONNRESET')
  await resize(1)
  await eventually(async () => expect(await ready()).toBe(1))
})

test('what a Deployment made goes with it', async () => {
  await cluster.apply(deployment('gone'))
  await untilRolledOut('gone')
  await cluster.client.delete(deploymentKind, ref('gone'))
  await eventually(async () => {
    const sets = await cluster.client.list(replicaSetKind, { namespace: 'default', labelSelector: 'app=gone' })
    expect([sets.items.length, (await podsOf('gone')).length]).toEqual([0, 0])
  })
})

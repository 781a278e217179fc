import { describe, expect, test } from 'vitest'
import { alertProviderKind, canaryKind, deploymentKind, destinationRuleKind, eventKind } from '../../src/api/index.ts'
import { KubeError } from '../../src/kube/index.ts'
import type { MemoryWrite } from '../support/memory-api.ts'
import { buildDeployment, createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const USER = 'User "system:serviceaccount:sluice-system:sluice-controller"'

/** As a real API server words what no role allows. */
function forbid({ verb, kind, name }: MemoryWrite): never {
  const resource = `${kind.toLowerCase()}s`
  throw new KubeError(
    `${verb} ${kind} default/${name}: ${resource} "${name}" is forbidden: ${USER} cannot ${verb} resource "${resource}" in API group "x" in the namespace "default"`,
    { code: 403, reason: 'Forbidden', retry: 'later', details: { kind: resource, name } },
  )
}

const stalled = (cluster: ReleaseCluster) => {
  const { status, reason, message } = cluster.canary().status?.conditions?.find(({ type }) => type === 'Stalled') ?? {}
  return status === 'True' ? { reason, message } : undefined
}
const warnings = (cluster: ReleaseCluster) =>
  cluster.api.list(eventKind).flatMap(({ reason, type, count }) => (type === 'Warning' ? [`${reason} x${count}`] : []))
const statusWrites = (cluster: ReleaseCluster) =>
  cluster.api.writes.filter(({ kind, subresource }) => kind === 'Canary' && subresource === 'status').length

interface Refused {
  readonly cluster: ReleaseCluster
  /** Which writes of the controller are refused. */
  refuse(which: (write: MemoryWrite) => boolean, how?: (write: MemoryWrite) => never): void
  readonly stop: () => Promise<void>
}

async function startRefused(first: (write: MemoryWrite) => boolean, how = forbid): Promise<Refused> {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await createCanary(cluster)
  let [isRefused, refuseWith] = [first, how]
  const stop = cluster.startController({
    before(write) {
      if (isRefused(write)) refuseWith(write)
    },
  })
  return {
    cluster,
    stop,
    refuse(which, how = forbid) {
      ;[isRefused, refuseWith] = [which, how]
    },
  }
}

const nothing = () => false
const phase = (cluster: ReleaseCluster) => cluster.canary().status?.phase

describe('what the API server refuses', () => {
  test('is told by the Canary, once, with the right that is missing, and done when it is granted', async () => {
    const { cluster, stop, refuse } = await startRefused(({ verb, kind }) => verb === 'create' && kind === 'Deployment')
    await cluster.until('it says so', () => stalled(cluster) !== undefined)
    expect(stalled(cluster)).toEqual({
      reason: 'RequestRefused',
      message: `create Deployment default/web-primary: deployments "web-primary" is forbidden: ${USER} cannot create resource "deployments" in API group "x" in the namespace "default": add it to the role of the controller`,
    })
    const written = statusWrites(cluster)
    await cluster.pass(120_000)
    expect([statusWrites(cluster), warnings(cluster)]).toEqual([written, ['RequestRefused x1']])
    refuse(nothing)
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    expect(stalled(cluster)).toBeUndefined()
    await stop()
  })

  test('in the middle of a release holds it where it is, and it goes on', async () => {
    const { cluster, stop, refuse } = await startRefused(nothing)
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    refuse(({ kind }) => kind === 'VirtualService')
    await cluster.until('it says so', () => stalled(cluster)?.reason === 'RequestRefused')
    const written = statusWrites(cluster)
    await cluster.pass(60_000)
    expect([phase(cluster), cluster.canary().status?.canaryWeight, cluster.weights().at(-1)]).toEqual([
      'Progressing',
      20,
      '20',
    ])
    expect(statusWrites(cluster) - written).toBeLessThan(3)
    expect(warnings(cluster)).toEqual(['RequestRefused x1'])
    refuse(nothing)
    await cluster.until('Succeeded', () => phase(cluster) === 'Succeeded')
    expect(stalled(cluster)).toBeUndefined()
    await stop()
  })

  test('of a Canary at rest is over as soon as it is granted', async () => {
    const { cluster, stop, refuse } = await startRefused(({ kind }) => kind === 'DestinationRule')
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    const service = { trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } }
    await cluster.user.patch(
      canaryKind,
      { namespace: 'default', name: 'web' },
      { spec: { service } },
      { type: 'merge' },
    )
    await cluster.until('it says so', () => stalled(cluster)?.reason === 'RequestRefused')
    refuse(nothing)
    await cluster.until('both are written', () => cluster.api.list(destinationRuleKind).length === 2)
    await cluster.pass(2_000)
    expect(stalled(cluster)).toBeUndefined()
    await stop()
  })

  test('by a rule of admission is told in its own words, costs no loop where they are never the same, and is done when the rule is gone', async () => {
    let count = 0
    const deny = ({ name }: MemoryWrite): never => {
      count += 1
      throw new KubeError(
        `create Deployment default/${name}: admission webhook "policy" denied the request: no ${count}`,
        {
          code: 400,
          reason: 'BadRequest',
          retry: 'never',
        },
      )
    }
    const isPrimary = ({ verb, kind }: MemoryWrite) => verb === 'create' && kind === 'Deployment'
    const { cluster, stop, refuse } = await startRefused(isPrimary, deny)
    await cluster.until('it says so', () => stalled(cluster) !== undefined)
    await cluster.pass(60_000)
    expect(stalled(cluster)?.message).toBe(
      'create Deployment default/web-primary: admission webhook "policy" denied the request: no 1',
    )
    expect(count).toBeLessThan(6)
    refuse(nothing)
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    expect(stalled(cluster)).toBeUndefined()
    await stop()
  })

  test('when a Canary is deleted keeps it, and says why', async () => {
    const { cluster, stop, refuse } = await startRefused(nothing)
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    refuse(({ kind, verb, name }) => kind === 'Service' && verb === 'replace' && name === 'web')
    await cluster.user.delete(canaryKind, { namespace: 'default', name: 'web' })
    await cluster.until('it says so', () => stalled(cluster)?.reason === 'RequestRefused')
    expect(stalled(cluster)?.message).toMatch(/^replace Service default\/web: .* cannot replace /)
    await cluster.pass(60_000)
    expect(warnings(cluster)).toEqual(['RequestRefused x1'])
    refuse(nothing)
    await cluster.until('it is gone', () => cluster.api.list(canaryKind).length === 0)
    await stop()
  })

  test('of an alert is an event of its Canary, and holds up nothing', async () => {
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await cluster.user.create(alertProviderKind, {
      apiVersion: 'sluice.dev/v1',
      kind: 'AlertProvider',
      metadata: { name: 'chat', namespace: 'default' },
      spec: { type: 'webhook', username: 'sluice', secretRef: { name: 'chat' } },
    })
    await createCanary(cluster, {
      analysis: { alerts: [{ name: 'team', severity: 'info', providerRef: { name: 'chat' } }] },
    })
    const message = `get Secret default/chat: secrets "chat" is forbidden: ${USER} cannot get resource "secrets" in API group "" in the namespace "default"`
    const stop = cluster.startController({
      look: (client) => ({
        ...client,
        async get(kind, ref) {
          if (kind.kind !== 'Secret') return client.get(kind, ref)
          throw new KubeError(message, { code: 403, reason: 'Forbidden', retry: 'later', details: { kind: 'secrets' } })
        },
      }),
    })
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    await cluster.pass(1_000)
    expect(cluster.api.list(eventKind).filter(({ type }) => type === 'Warning')).toMatchObject([
      {
        reason: 'AlertNotSent',
        message: `alert team: ${message}: name the namespace in controller.readSecretsIn of the chart`,
      },
    ])
    expect(stalled(cluster)).toBeUndefined()
    await stop()
  })
})

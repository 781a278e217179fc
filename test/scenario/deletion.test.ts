import { afterAll, beforeAll, describe, test } from 'vitest'
import {
  canaryKind,
  canaryRunKind,
  type Deployment,
  deploymentKind,
  eventKind,
  type KubernetesObject,
  podKind,
  type ResourceKind,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { countsSince, type Load, startLoad } from '../../src/cli/demo/load.ts'
import { gateway, web } from '../../src/cli/demo/manifests.ts'
import { gatewayPort } from '../../src/cli/demo/world.ts'
import { eventually } from '../support/eventually.ts'
import { answersSince, type Counted, type ReleasedApp, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

const published = { port: 80, targetPort: 8080, gateways: ['published/public', 'mesh'], hosts: ['web.example.com'] }

/** Pods of version 2.0.0 with a label of their own. */
function nextVersion(namespace: string): object {
  const { spec, ...rest } = web('2.0.0') as Deployment
  const labels = { app: 'next' }
  const metadata = { labels: { ...spec.template.metadata?.labels, ...labels } }
  return {
    ...rest,
    metadata: { name: 'next', namespace, labels },
    spec: { ...spec, selector: { matchLabels: labels }, template: { ...spec.template, metadata } },
  }
}

const inNamespace = (namespace: string, object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
})

describe.skipIf(isKubectlMissing('deletion on the local platform'))('a Canary that is deleted under load', () => {
  let platform: SluiceLocal

  beforeAll(async () => {
    platform = await startSluiceLocal()
  })

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]()
  })

  const remove = (namespace: string, ...options: readonly string[]) =>
    platform.kubectl('delete', 'canary', 'web', '--namespace', namespace, '--timeout', '90s', ...options)

  const names = async (kind: ResourceKind, namespace: string) =>
    (await platform.client.list(kind, { namespace })).items.map(({ metadata }) => metadata.name).toSorted()

  const left = async (namespace: string) => ({
    canaries: await names(canaryKind, namespace),
    runs: await names(canaryRunKind, namespace),
    deployments: await names(deploymentKind, namespace),
    services: await names(serviceKind, namespace),
    routes: await names(virtualServiceKind, namespace),
  })

  const podsOf = async (namespace: string, app: string) =>
    (await platform.client.list(podKind, { namespace, labelSelector: `app=${app}` })).items

  async function startGatewayLoad(): Promise<Load> {
    const { items } = await platform.client.list(podKind, {
      namespace: 'published',
      labelSelector: 'istio=ingressgateway',
    })
    const address = items[0]?.status?.podIP
    if (address === undefined) throw new Error('the gateway has no address yet')
    const hostHeader = 'web.example.com'
    return startLoad({ address, port: gatewayPort, hostHeader, requestsPerSecond: 50, sequenced: false })
  }

  /** Waits for answers that were asked for after everything of the Canary had gone. */
  async function answersAfter(app: ReleasedApp, version: string): Promise<void> {
    const before = await app.counts()
    const more = async () => ((await answersSince(app, before)).counts[version]?.requests ?? 0) >= 60
    await eventually(more, { within: 30_000, what: `${version} goes on serving` })
  }

  const errorsOf = ({ counts, failures }: Counted) => ({
    failures,
    errors: Object.values(counts).reduce((sum, { errors }) => sum + errors, 0),
  })

  test.concurrent('fails no request of the mesh or the gateway, and the Deployment serves afterwards', async ({
    expect,
  }) => {
    const objects = gateway.map((object) => inNamespace('published', object))
    const options = { namespace: 'published', spec: { service: published }, requestsPerSecond: 50 }
    const app = await startApp(platform, options, ...objects)
    await app.setImage('2.0.0')
    await app.until('2.0.0 is promoted', ({ status }) => expect(status?.phase).toBe('Succeeded'), 90_000)
    const load = await eventually(startGatewayLoad, { within: 30_000 })
    await eventually(() => expect(load.counts()['2.0.0']?.requests).toBeGreaterThan(50), { within: 30_000 })
    const [beforeMesh, beforeGateway] = [await app.counts(), load.counts()]
    const workload = { namespace: 'published', name: 'web' }
    expect((await platform.client.get(deploymentKind, workload))?.spec.replicas).toBe(0)

    expect(await remove('published')).toMatchObject({ code: 0, err: '' })
    await eventually(
      async () =>
        expect(await left('published')).toEqual({
          canaries: [],
          runs: [],
          deployments: ['client', 'ingressgateway', 'web'],
          services: ['web'],
          routes: ['web'],
        }),
      { within: 30_000 },
    )
    await eventually(async () => expect(await podsOf('published', 'web-primary')).toEqual([]), { within: 60_000 })
    await answersAfter(app, '2.0.0')
    await load.stop()

    expect(errorsOf(await answersSince(app, beforeMesh))).toEqual({ failures: [], errors: 0 })
    const gatewayAnswers = { counts: countsSince(beforeGateway, load.counts()), failures: load.failures() }
    expect(errorsOf(gatewayAnswers)).toEqual({ failures: [], errors: 0 })
    const service = await platform.client.get(serviceKind, { namespace: 'published', name: 'web' })
    expect([service?.spec.selector, service?.metadata.ownerReferences]).toEqual([{ app: 'web' }, undefined])
    const route = await platform.client.get(virtualServiceKind, { namespace: 'published', name: 'web' })
    expect([route?.spec.http, route?.metadata.ownerReferences]).toEqual([
      [{ name: 'split', route: [{ destination: { host: 'web' } }] }],
      undefined,
    ])
  }, 240_000)

  test.concurrent.for(['foreground', 'orphan'])(
    'deleted with --cascade=%s it fails no request either',
    { timeout: 240_000 },
    async (how, { expect }) => {
      const app = await startApp(platform, { namespace: how, requestsPerSecond: 50 })
      const before = await app.counts()

      expect(await remove(how, `--cascade=${how}`)).toMatchObject({ code: 0, err: '' })
      await eventually(
        async () =>
          expect(await left(how)).toEqual({
            canaries: [],
            runs: [],
            deployments: ['client', 'web'],
            services: ['web'],
            routes: [],
          }),
        { within: 30_000 },
      )
      await eventually(async () => expect(await podsOf(how, 'web-primary')).toEqual([]), { within: 60_000 })
      await answersAfter(app, '1.0.0')

      expect(errorsOf(await answersSince(app, before))).toEqual({ failures: [], errors: 0 })
    },
  )

  test.concurrent('of a Service that is released, no request fails, by its promotion neither', async ({ expect }) => {
    const namespace = 'selected'
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    }
    const spec = { targetRef: { apiVersion: 'v1', kind: 'Service', name: 'web' } }
    const options = { namespace, spec, analysis: { metrics: [] }, requestsPerSecond: 50 }
    const app = await startApp(platform, options, service, nextVersion(namespace))
    const before = await app.counts()
    const selector = { spec: { selector: { app: 'next' } } }
    await platform.client.patch(serviceKind, { namespace, name: 'web' }, selector, { type: 'merge' })
    await app.until('it is promoted', ({ status }) => expect(status?.phase).toBe('Succeeded'), 90_000)
    await answersAfter(app, '2.0.0')

    expect(await remove(namespace)).toMatchObject({ code: 0, err: '' })
    await eventually(
      async () =>
        expect(await left(namespace)).toEqual({
          canaries: [],
          runs: [],
          deployments: ['client', 'next', 'web'],
          services: ['web'],
          routes: [],
        }),
      { within: 30_000 },
    )
    await answersAfter(app, '2.0.0')
    const answers = await answersSince(app, before)
    expect(errorsOf(answers)).toEqual({ failures: [], errors: 0 })
    expect(Object.keys(answers.counts).toSorted()).toEqual(['1.0.0', '2.0.0'])
  }, 240_000)

  test.concurrent('in the middle of a release the new version goes on alone, and an event says so', async ({
    expect,
  }) => {
    const app = await startApp(platform, { namespace: 'halfway', requestsPerSecond: 50, analysis: { interval: '60s' } })
    await app.setImage('2.0.0')
    await app.until('2.0.0 is ready', ({ status }) => expect(status?.mirrorWeight).toBe(100))
    const before = await app.counts()

    expect(await remove('halfway')).toMatchObject({ code: 0, err: '' })
    await eventually(
      async () =>
        expect(await left('halfway')).toEqual({
          canaries: [],
          runs: [],
          deployments: ['client', 'web'],
          services: ['web'],
          routes: [],
        }),
      { within: 30_000 },
    )
    await eventually(async () => expect(await podsOf('halfway', 'web-primary')).toEqual([]), { within: 60_000 })
    await answersAfter(app, '2.0.0')

    expect(errorsOf(await answersSince(app, before))).toEqual({ failures: [], errors: 0 })
    const { items: events } = await platform.client.list(eventKind, { namespace: 'halfway' })
    const told = events
      .filter(({ reason }) => reason === 'Terminating')
      .map(({ type, message }) => `${type}: ${message}`)
    expect(told.toSorted()).toEqual([
      'Normal: Deployment web serves by itself',
      expect.stringMatching(/^Warning: Deployment web gets its traffic back with web:2\.0\.0 \(v1-\w+\), which was/),
    ])
  }, 240_000)
})

import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canaryKind, podKind } from '../../src/api/index.ts'
import { gateway } from '../../src/cli/demo/manifests.ts'
import { gatewayPort } from '../../src/cli/demo/world.ts'
import { eventually } from '../support/eventually.ts'
import { answersSince, inNamespace, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

interface Answer {
  readonly status: number
  readonly version: string
  readonly cookie: string | undefined
}

describe.skipIf(isKubectlMissing('strategies on the local platform'))('strategies', () => {
  let platform: SluiceLocal

  beforeAll(async () => {
    platform = await startSluiceLocal()
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  /** A gate that says no: what stands before it stays until the test has looked. */
  const closed = (type: string) => ({ name: type, type, url: 'http://127.0.0.1:1/', timeout: '1s' })
  const noWeights = { stepWeights: undefined, mirror: false, metrics: [], interval: '1s' }

  async function startPublished(namespace: string, analysis: object) {
    const service = {
      port: 80,
      targetPort: 8080,
      gateways: [`${namespace}/public`, 'mesh'],
      hosts: ['web.example.com'],
    }
    const options = { namespace, spec: { service }, analysis: { ...noWeights, ...analysis } }
    const app = await startApp(platform, options, ...gateway.map((each) => inNamespace(namespace, each)))
    const address = await eventually(
      async () => {
        const pods = await platform.client.list(podKind, { namespace, labelSelector: 'istio=ingressgateway' })
        return pods.items[0]?.status?.podIP
      },
      { within: 30_000, what: 'the gateway runs' },
    )
    const ask = (headers: Readonly<Record<string, string>>, path = '/') =>
      get(String(address), { host: 'web.example.com', ...headers }, path)
    await eventually(async () => (await ask({})).status === 200, { within: 30_000, what: 'the gateway answers' })
    return { app, ask }
  }

  test.concurrent('A/B: who matches meets the new version; session affinity: who met a version stays with it', async () => {
    const group = { headers: { cookie: { regex: '^(.*; ?)?group=beta(;.*)?$' } } }
    const match = [group, { queryParams: { beta: { exact: '1' } } }]
    const webhooks = [closed('confirm-promotion')]
    const { app, ask } = await startPublished('ab', { iterations: 2, match, webhooks })
    const before = await app.counts()
    await app.setImage('2.0.0')
    await app.until('the test is over', ({ status }) => status?.phase === 'WaitingPromotion')
    const answers = async (headers: Readonly<Record<string, string>>, path?: string) =>
      new Set((await Promise.all(Array.from({ length: 20 }, () => ask(headers, path)))).map(({ version }) => version))
    expect([await answers({ cookie: 'a=1; group=beta' }), await answers({}, '/?a=2&beta=1')]).toEqual([
      new Set(['2.0.0']),
      new Set(['2.0.0']),
    ])
    expect([await answers({ cookie: 'group=other' }), await answers({}, '/?beta=2')]).toEqual([
      new Set(['1.0.0']),
      new Set(['1.0.0']),
    ])
    const { counts, failures } = await answersSince(app, before)
    expect([counts['2.0.0'], failures]).toEqual([undefined, []])
    await platform.sluice('promote', 'web', '-n', 'ab')
    const { run } = await app.ended('2.0.0')
    expect(run.status?.steps.map(({ kind, weight, outcome }) => [kind, weight, outcome])).toEqual([
      ['match', 100, 'passed'],
    ])
    expect(await answers({})).toEqual(new Set(['2.0.0']))

    // Gateways of one label serve the routes of all, so the next strategy is tried on the same app.
    const sessionAffinity = { cookieName: 'seen', primaryCookieName: 'stays', path: '/' }
    const weighted = { stepWeights: [50], iterations: null, match: null, webhooks: null }
    const analysis = { ...weighted, sessionAffinity, manualGates: ['confirm-promotion'] }
    const ref = { namespace: 'ab', name: 'web' }
    await platform.client.patch(canaryKind, ref, { spec: { analysis } }, { type: 'merge' })
    await app.setImage('2.1.0')
    await app.until('it waits', ({ status }) => status?.phase === 'WaitingPromotion')
    const first = await Promise.all(Array.from({ length: 40 }, () => ask({})))
    const given = new Set(first.map(({ version, cookie }) => `${version} ${cookie?.split('=')[0]}`))
    expect(given).toEqual(new Set(['2.1.0 seen', '2.0.0 stays']))
    const holding = (met: string) => {
      const [cookie] = first.find(({ version }) => version === met)?.cookie?.split(';') ?? []
      return { cookie: `a=1; ${cookie}; b=2` }
    }
    expect([await answers(holding('2.1.0')), await answers(holding('2.0.0'))]).toEqual([
      new Set(['2.1.0']),
      new Set(['2.0.0']),
    ])
    await platform.sluice('abort', 'web', '-n', 'ab')
    await app.ended('2.1.0')
    expect(await answers(holding('2.1.0'))).toEqual(new Set(['2.0.0']))
  })

  test.concurrent('blue/green: all users at once, back to the new primary in steps, and none fails', async () => {
    const manualGates = ['confirm-promotion']
    const analysis = { ...noWeights, iterations: 2, stepWeightPromotion: 50, manualGates }
    const app = await startApp(platform, { namespace: 'bg', analysis })
    const before = await app.counts()
    await app.setImage('2.0.0')
    const waiting = await app.until('it waits', ({ status }) => status?.phase === 'WaitingPromotion')
    const revision = waiting.status?.lastAppliedSpec
    expect((await answersSince(app, before)).counts['2.0.0']).toBeUndefined()
    expect(await platform.sluice('approve', 'web', '-n', 'bg')).toEqual({
      code: 0,
      out: `canary bg/web: confirm-promotion is open for ${revision}\n`,
      err: '',
    })
    const { run } = await app.ended('2.0.0')
    expect(run.status?.steps.map(({ kind, weight, outcome }) => [kind, weight, outcome])).toEqual([
      ['iterations', 0, 'passed'],
      ['weight', 100, 'passed'],
      ['promotion', 50, 'passed'],
      ['promotion', 0, 'passed'],
    ])
    const { counts, failures } = await answersSince(app, before)
    expect([(counts['2.0.0']?.requests ?? 0) > 0, failures]).toEqual([true, []])
  })
})

function get(address: string, headers: Readonly<Record<string, string>>, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: address, port: gatewayPort, path, headers }, (response) => {
      response.resume()
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          version: String(response.headers['x-version'] ?? ''),
          cookie: response.headers['set-cookie']?.[0],
        }),
      )
    })
    call.on('error', reject)
    call.end()
  })
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { alertProviderKind, secretKind } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { answer, hang, startServer, type TestServer } from '../support/http-server.ts'
import { type ReleasedApp, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

/** Whoever knows a webhook's address may write to the channel: this stands in every address below. */
const TOKEN = 'T0PL3-S3CR3T-xyzzy'

const secret = (namespace: string, name: string, address: string) => ({
  apiVersion: 'v1',
  kind: secretKind.kind,
  metadata: { name, namespace },
  stringData: { address },
})

const provider = (namespace: string, name: string, type: 'slack' | 'webhook') => ({
  apiVersion: 'sluice.dev/v1',
  kind: alertProviderKind.kind,
  metadata: { name, namespace },
  spec: { type, secretRef: { name }, ...(type === 'slack' ? { channel: 'releases' } : {}) },
})

const providers = (namespace: string, addresses: Readonly<Record<string, string>>) =>
  Object.entries(addresses).flatMap(([name, address]) => [
    secret(namespace, name, address),
    provider(namespace, name, name === 'slack' ? 'slack' : 'webhook'),
  ])

const alertsTo = (...names: readonly string[]) => names.map((name) => ({ name, providerRef: { name } }))

interface Told {
  readonly reason: string
  readonly text: string
  readonly severity: string
}

interface SlackMessage {
  readonly channel: string
  readonly text: string
}

describe.skipIf(isKubectlMissing('notifications on the local platform'))('notifications', () => {
  let platform: SluiceLocal
  let slack: TestServer
  let webhook: TestServer
  let gate: TestServer
  let hanging: TestServer
  let isOpen = false

  beforeAll(async () => {
    slack = await startServer(answer(200, {}, 'ok'))
    webhook = await startServer(answer(204))
    hanging = await startServer(hang)
    gate = await startServer((response) => response.writeHead(isOpen ? 200 : 403).end())
    platform = await startSluiceLocal()
  })

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]()
    for (const server of [slack, webhook, gate, hanging]) await server?.[Symbol.asyncDispose]()
  })

  const toldByWebhook = (): readonly Told[] => webhook.requests.map(({ body }) => JSON.parse(body) as Told)
  const toldBySlack = (): readonly SlackMessage[] => slack.requests.map(({ body }) => JSON.parse(body) as SlackMessage)

  const startTold = (): Promise<ReleasedApp> => {
    const addresses = {
      slack: `${slack.url}/services/T000/B000/${TOKEN}`,
      webhook: `${webhook.url}/in?token=${TOKEN}`,
    }
    const webhooks = [{ name: 'gate', type: 'confirm-rollout', url: `${gate.url}/gate` }]
    // Its failure is to be that of a check.
    const analysis = { alerts: alertsTo('slack', 'webhook'), webhooks, guard: { enabled: false } }
    return startApp(platform, { namespace: 'told', analysis }, ...providers('told', addresses))
  }

  // Where a busy machine scrapes late, a check without a verdict is told of, too.
  const isStory = (text: string) => !text.includes('NoVerdict')
  const reasonsTold = () =>
    toldByWebhook()
      .map(({ severity, reason }) => `${severity} ${reason}`)
      .filter(isStory)

  test.concurrent('start, waiting, promotion and rollback arrive at both, with the numbers', async ({ expect }) => {
    const app = await startTold()
    await app.setImage('2.0.0')
    await eventually(() => expect(reasonsTold()).toContain('warn WaitingForRollout'), { within: 60_000 })
    isOpen = true
    const promoted = await app.ended('2.0.0')
    expect(promoted.run.status?.phase).toBe('Succeeded')
    await app.setImage('5.0.0')
    const failed = await app.ended('5.0.0')
    expect(failed.run.status?.phase).toBe('Failed')

    const story = [
      'info Initialized',
      'info NewRevision',
      'warn WaitingForRollout',
      'info Promoting',
      'info Succeeded',
      'info NewRevision',
      'error ThresholdReached',
    ]
    await eventually(() => expect(reasonsTold()).toEqual(story), { within: 30_000 })
    const textOf = (reason: string) => toldByWebhook().findLast((each) => each.reason === reason)?.text
    expect(textOf('NewRevision')).toMatch(/^new revision web:2\.0\.0 -> web:5\.0\.0 \(v1-[0-9a-f]+\)$/)
    expect(textOf('WaitingForRollout')).toBe('waiting for confirmation: hook "gate" answered 403')
    const numbers = /success rate [\d.]+% is (at least|below) 99% \(\d+ of \d+ requests failed\)/
    expect(JSON.stringify(toldByWebhook().find((each) => each.reason === 'Succeeded'))).toMatch(numbers)
    expect(textOf('ThresholdReached')).toMatch(numbers)
    expect(textOf('ThresholdReached')).toBe(failed.run.status?.message)

    const slackStory = () => toldBySlack().filter(({ text }) => isStory(text))
    await eventually(() => expect(slackStory()).toHaveLength(story.length), { within: 30_000 })
    const [first, ...rest] = slackStory()
    expect(first).toMatchObject({ channel: 'releases', text: expect.stringMatching(/^told\/web Initialized: /) })
    expect(rest.at(-1)?.text).toBe(`told/web ThresholdReached: ${failed.run.status?.message}`)
    expect(JSON.stringify(rest[3])).toMatch(numbers)
  })

  test.concurrent('a notifier that is down or silent holds no release', async ({ expect }) => {
    // The discard port: nobody listens there.
    const addresses = { refused: `http://127.0.0.1:9/${TOKEN}`, silent: `${hanging.url}/${TOKEN}` }
    const analysis = { alerts: alertsTo('refused', 'silent', 'missing') }
    const app = await startApp(platform, { namespace: 'deaf', analysis }, ...providers('deaf', addresses))
    await app.setImage('2.0.0')
    const { run } = await app.ended('2.0.0')
    expect(run.status?.phase).toBe('Succeeded')
    // One try at a time for each target, and none of them was answered: the release went past them.
    expect(hanging.requests.length).toBeGreaterThan(0)
    expect(platform.logOf('controller')).toContain('AlertProvider deaf/missing does not exist')
    await eventually(() => /"deaf\/refused".*the connection was refused, 5 times/.test(platform.logOf('controller')), {
      within: 60_000,
      what: 'the log names the provider that was given up',
    })
  })

  test('an address is in no log, event, status or output', async () => {
    const encoded = [TOKEN, Buffer.from(TOKEN).toString('base64').slice(2, -4)]
    const kinds = 'events,canaries,canaryruns,alertproviders,deployments,virtualservices'
    const ended = await Promise.all([
      platform.kubectl('get', kinds, '-A', '-o', 'yaml'),
      platform.kubectl('describe', 'canaries,canaryruns,alertproviders', '-A'),
      platform.sluice('status', 'web', '-n', 'told', '-o', 'json'),
      platform.sluice('get', 'canary', '-A', '-o', 'yaml'),
    ])
    expect(ended.map(({ code, err }) => ({ code, err }))).toEqual(ended.map(() => ({ code: 0, err: '' })))
    const host = new URL(platform.prometheusUrl).hostname
    const metrics = await (await fetch(`http://${host}:8080/metrics`)).text()
    expect(metrics).toMatch(/sluice_notices_total\{type="slack",result="sent"\} [1-9]/)
    const texts = [
      ...ended.map(({ out }) => out),
      metrics,
      platform.output(),
      platform.logOf('controller'),
      platform.logOf('mesh'),
    ]
    expect(texts.map((text) => text.length > 100)).toEqual(texts.map(() => true))
    for (const text of texts) for (const word of encoded) expect(text).not.toContain(word)
    // The Secret itself is where the address is kept: the search above would have found it.
    const kept = await platform.kubectl('get', 'secret', 'slack', '-n', 'told', '-o', 'jsonpath={.data.address}')
    expect(Buffer.from(kept.out, 'base64').toString()).toContain(TOKEN)
    expect(readFileSync(join(platform.directory, 'processes/controller/current.log'), 'utf8')).not.toContain(TOKEN)
  })
})

import { Writable } from 'node:stream'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createAnalyst } from '../../src/analysis/index.ts'
import {
  canaryKind,
  canaryRunKind,
  deploymentKind,
  eventKind,
  type MetricTemplate,
  metricTemplateKind,
  secretKind,
} from '../../src/api/index.ts'
import { createSecretReader, startController } from '../../src/controller/index.ts'
import { createLogger, systemClock } from '../../src/runtime/index.ts'
import { eventually } from '../support/eventually.ts'
import { answer, startServer } from '../support/http-server.ts'
import { buildDeployment, createCanary, createReleaseCluster } from '../support/release-cluster.ts'

const TOKEN = 'planted-token-3f7a'

const template = (address: string): MetricTemplate => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name: 'mine', namespace: 'default' },
  spec: {
    provider: { type: 'elasticsearch', address, jsonPath: 'a', secretRef: { name: 'credentials' } },
    query: '{"app":"{{ target }}"}',
  },
})

test('credentials of a template reach its server, and no object, event, notice or line of the log', async () => {
  const told = JSON.stringify({ error: { reason: `no index for Bearer ${TOKEN}` } })
  await using server = await startServer(answer(400, {}, told))
  const cluster = createReleaseCluster()
  const lines: string[] = []
  const destination = new Writable({ write: (chunk, _, done) => done(void lines.push(String(chunk))) })
  const log = createLogger({ name: 'controller', level: 'trace', destination })
  const client = cluster.api.client('controller')
  const { user, clock } = cluster
  await user.create(deploymentKind, buildDeployment())
  await user.create(metricTemplateKind, template(server.url))
  await user.create(secretKind, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'credentials', namespace: 'default' },
    data: { token: Buffer.from(TOKEN).toString('base64') },
  })
  await createCanary(cluster, {
    analysis: { metrics: [{ name: 'mine', thresholdRange: { max: 1 }, templateRef: { name: 'mine' } }] },
  })
  const stop = new AbortController()
  const running = startController(
    {
      client,
      analyst: createAnalyst({ clock: systemClock, log, secrets: createSecretReader(client) }),
      hooks: { call: async () => ({ ok: true, status: 200, message: '' }) },
      notifier: {
        send: async ({ address }, notice) => {
          cluster.sent.push({ address, notice })
          return 'sent'
        },
        drain: async () => undefined,
      },
      clock,
      log,
      random: () => 0.5,
      defaults: { metricsServer: 'http://127.0.0.1:1', provider: 'mesh' },
      registry: new Registry(),
    },
    stop.signal,
  )
  await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
  await cluster.setImage('web:2')
  // The server is a real one: its time is not that of the cluster.
  const look = async () => {
    await cluster.pass(500)
    const found = cluster.runs()[0]?.status?.steps.at(-1)?.verdicts.at(-1)
    if (found === undefined) throw new Error('no verdict yet')
    return found
  }
  const verdict = await eventually(look, { within: 40_000 })
  stop.abort()
  await running
  expect(verdict).toMatchObject({
    state: 'query-error',
    query: '{"app":"web"}',
    message: `Elasticsearch at ${server.url}: HTTP 400 no index for Bearer ***`,
  })
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`)
  const written = [cluster.api.list(canaryKind), cluster.api.list(canaryRunKind), cluster.api.list(eventKind)]
  expect(JSON.stringify([written, cluster.sent, lines])).not.toContain(TOKEN)
})

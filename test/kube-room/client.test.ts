import { describe, expect, test } from 'vitest'
import { type ConfigMap, configMapKind, type Deployment, deploymentKind } from '../../src/api/index.ts'
import { createKubeClient, type KubeClient, KubeError, type WatchEvent } from '../../src/kube/index.ts'
import { eventually } from '../support/eventually.ts'
import { refuse, type ScriptedApiServer, sendJson, startScriptedApiServer } from '../support/scripted-api-server.ts'

const ref = { namespace: 'default', name: 'web' }
const clientOf = (server: ScriptedApiServer, limits = {}): KubeClient =>
  createKubeClient({ kubeconfig: { server: server.url, token: 'secret-token' }, fieldManager: 'test', limits })

const errorOf = async (call: Promise<unknown>): Promise<Pick<KubeError, 'code' | 'reason' | 'retry' | 'message'>> => {
  const error = await call.then(
    () => expect.unreachable('the call succeeded'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof KubeError)) throw error
  return { code: error.code, reason: error.reason, retry: error.retry, message: error.message }
}

const configMap: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: ref, data: { a: '1' } }
const deployment: Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { ...ref, resourceVersion: '7', managedFields: [{ manager: 'kubectl' }] },
  spec: { selector: {}, template: { spec: { containers: [] } } },
}

describe('requests', () => {
  const path = '/api/v1/namespaces/default/configmaps'
  const item = `${path}/web`
  const merge = { 'content-type': 'application/merge-patch+json' }
  test.each<[string, (client: KubeClient) => Promise<unknown>, object, string | object]>([
    ['get', (client) => client.get(configMapKind, ref), { method: 'GET', path: item, query: {} }, ''],
    [
      'create',
      (client) => client.create(configMapKind, configMap),
      { method: 'POST', path, query: { fieldManager: 'test' } },
      configMap,
    ],
    [
      'replace of the status',
      (client) => client.replace(configMapKind, configMap, 'status'),
      { method: 'PUT', path: `${item}/status`, query: { fieldManager: 'test' } },
      configMap,
    ],
    [
      'merge patch',
      (client) => client.patch(configMapKind, ref, { data: { a: null } }, { type: 'merge' }),
      { method: 'PATCH', path: item, query: { fieldManager: 'test' }, headers: merge },
      { data: { a: null } },
    ],
    [
      'JSON patch',
      (client) => client.patch(configMapKind, ref, [{ op: 'remove', path: '/data/a' }], { type: 'json' }),
      { method: 'PATCH', headers: { 'content-type': 'application/json-patch+json' } },
      [{ op: 'remove', path: '/data/a' }],
    ],
    [
      'strategic patch of a subresource',
      (client) => client.patch(deploymentKind, ref, {}, { type: 'strategic', subresource: 'scale' }),
      {
        path: '/apis/apps/v1/namespaces/default/deployments/web/scale',
        headers: { 'content-type': 'application/strategic-merge-patch+json' },
      },
      {},
    ],
    [
      'server-side apply without managedFields',
      (client) => client.apply(deploymentKind, deployment, { force: true }),
      {
        method: 'PATCH',
        query: { fieldManager: 'test', force: 'true' },
        headers: { 'content-type': 'application/apply-patch+yaml' },
      },
      { ...deployment, metadata: { ...ref, resourceVersion: '7' } },
    ],
    [
      'delete of one uid',
      (client) => client.delete(configMapKind, ref, { uid: 'u1' }),
      { method: 'DELETE', path: item },
      {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        preconditions: { uid: 'u1' },
      },
    ],
  ])('%s', async (_, call, expected, body) => {
    await using server = await startScriptedApiServer()
    server.failNext('other', (response) => sendJson(response, 200, configMap))
    await call(clientOf(server))
    expect(server.requests).toMatchObject([expected])
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret-token')
    expect(server.requests[0]?.body).toBe(body === '' ? '' : JSON.stringify(body))
  })

  test('a namespaced object without a namespace never leaves the house', async () => {
    await using server = await startScriptedApiServer()
    const error = await errorOf(clientOf(server).get(configMapKind, { name: 'web' }))
    expect(error).toMatchObject({ code: 400, reason: 'BadRequest', retry: 'never' })
    expect(server.requests).toEqual([])
  })
})

describe('refusals', () => {
  test.each([
    [{ code: 409, reason: 'Conflict' }, {}, 'later'],
    [{ code: 409, reason: 'AlreadyExists' }, {}, 'later'],
    [{ code: 422, reason: 'Invalid' }, {}, 'never'],
    [{ code: 403, reason: 'Forbidden' }, {}, 'later'],
    [{ code: 410, reason: 'Expired' }, {}, 'later'],
    [{ code: 429, reason: 'TooManyRequests' }, { 'retry-after': '7' }, { afterMs: 7_000 }],
    [{ code: 429, reason: 'TooManyRequests' }, {}, 'later'],
    [{ code: 503, reason: 'ServiceUnavailable' }, {}, 'later'],
    [{ code: 504, reason: 'Timeout', details: { retryAfterSeconds: 2 } }, {}, { afterMs: 2_000 }],
  ] as const)('%j with headers %j is retried: %j', async (status, headers, retry) => {
    await using server = await startScriptedApiServer()
    server.failNext('other', (response) => refuse(response, { ...status, message: 'because' }, headers))
    const error = await errorOf(clientOf(server).replace(configMapKind, configMap))
    expect(error).toEqual({
      code: status.code,
      reason: status.reason,
      retry,
      message: 'replace ConfigMap default/web: because',
    })
  })

  test('an answer of a proxy gets a reason from its code', async () => {
    await using server = await startScriptedApiServer()
    server.failNext('other', (response) => response.writeHead(503).end('upstream connect error\nmore'))
    expect(await errorOf(clientOf(server).get(configMapKind, ref))).toEqual({
      code: 503,
      reason: 'ServiceUnavailable',
      retry: 'later',
      message: 'get ConfigMap default/web: upstream connect error',
    })
  })

  test('a missing object is undefined to get and quiet to delete; an unknown kind is an error', async () => {
    await using server = await startScriptedApiServer()
    const client = clientOf(server)
    const missing = { code: 404, reason: 'NotFound', details: { name: 'web', kind: 'configmaps' } }
    server.failNext('other', (response) => refuse(response, missing))
    expect(await client.get(configMapKind, ref)).toBeUndefined()
    server.failNext('other', (response) => refuse(response, missing))
    await client.delete(configMapKind, ref)
    server.failNext('other', (response) => response.writeHead(404).end('404 page not found'))
    expect(await errorOf(client.get(configMapKind, ref))).toMatchObject({ code: 404, reason: 'NotFound' })
  })

  test('nobody listening is code 0 and says where', async () => {
    const client = createKubeClient({ kubeconfig: { server: 'http://127.0.0.1:1' }, fieldManager: 'test' })
    expect(await errorOf(client.get(configMapKind, ref))).toMatchObject({
      code: 0,
      reason: 'Unreachable',
      retry: 'later',
      message: expect.stringContaining('get ConfigMap default/web: no answer from the API server http://127.0.0.1:1'),
    })
  })

  test('a server that never answers is a Timeout', async () => {
    await using server = await startScriptedApiServer()
    server.failNext('other', () => undefined)
    const call = clientOf(server, { requestTimeoutMs: 100 }).replace(configMapKind, configMap)
    expect(await errorOf(call)).toMatchObject({ code: 0, reason: 'Timeout' })
  })

  test('an answer beyond the size limit is refused', async () => {
    await using server = await startScriptedApiServer()
    server.failNext('other', (response) => sendJson(response, 200, { data: 'x'.repeat(10_000) }))
    const call = clientOf(server, { maxResponseBytes: 1_000 }).replace(configMapKind, configMap)
    expect(await errorOf(call)).toMatchObject({
      code: 0,
      reason: 'Unreachable',
      message: expect.stringMatching(/size/i),
    })
  })

  test('text that is no JSON is refused without quoting it', async () => {
    await using server = await startScriptedApiServer()
    server.failNext('other', (response) => response.end('<html>password=hunter2'))
    const error = await errorOf(clientOf(server).get(configMapKind, ref))
    expect(error).toMatchObject({ code: 0, reason: 'InvalidAnswer' })
    expect(error.message).not.toContain('hunter2')
  })

  test('a reading call that meets a connection cut is tried once more, a writing one is not', async () => {
    await using server = await startScriptedApiServer()
    const client = clientOf(server)
    server.failNext('other', (response) => response.destroy())
    server.failNext('other', (response) => sendJson(response, 200, configMap))
    expect(await client.get(configMapKind, ref)).toEqual(configMap)
    server.failNext('other', (response) => response.destroy())
    expect(await errorOf(client.replace(configMapKind, configMap))).toMatchObject({ reason: 'Unreachable' })
    expect(server.requests.map((each) => each.method)).toEqual(['GET', 'GET', 'PUT'])
  })
})

describe('list', () => {
  test('takes all pages and says what the items are', async () => {
    await using server = await startScriptedApiServer({ pageSize: 2 })
    const objects = ['a', 'b', 'c', 'd', 'e'].map((name) => server.put(name, { name }))
    const list = await clientOf(server).list(configMapKind, { namespace: 'default', labelSelector: 'app=web' })
    expect(list).toEqual({ items: objects, resourceVersion: '105' })
    expect(server.requests.map((each) => each.query)).toEqual([
      { limit: '500', labelSelector: 'app=web' },
      { limit: '500', labelSelector: 'app=web', continue: '2' },
      { limit: '500', labelSelector: 'app=web', continue: '4' },
    ])
  })

  test('takes everything at once when the pages expire half-way', async () => {
    await using server = await startScriptedApiServer({ pageSize: 2 })
    const objects = ['a', 'b', 'c'].map((name) => server.put(name, {}))
    server.failNext('list', (response) =>
      sendJson(response, 200, {
        metadata: { resourceVersion: '50', continue: 'x' },
        items: [{ metadata: { name: 'old' } }],
      }),
    )
    server.failNext('list', (response) => refuse(response, { code: 410, reason: 'Expired' }))
    server.failNext('list', (response) =>
      sendJson(response, 200, { metadata: { resourceVersion: '103' }, items: objects }),
    )
    expect(await clientOf(server).list(configMapKind)).toEqual({ items: objects, resourceVersion: '103' })
    expect(server.requests.at(-1)?.query).toEqual({})
  })

  test('null items are an empty list', async () => {
    await using server = await startScriptedApiServer()
    server.failNext('list', (response) => sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: null }))
    expect(await clientOf(server).list(configMapKind)).toEqual({ items: [], resourceVersion: '1' })
  })
})

describe('watch', () => {
  const collect = (client: KubeClient, signal: AbortSignal) => {
    const events: WatchEvent<ConfigMap>[] = []
    const ended = (async () => {
      for await (const event of client.watch(configMapKind, { resourceVersion: '100' }, signal)) events.push(event)
    })()
    return { events, ended }
  }

  test('brings events and bookmarks, asks for both, and ends with the signal', async () => {
    await using server = await startScriptedApiServer()
    const stop = new AbortController()
    const { events, ended } = collect(clientOf(server), stop.signal)
    await eventually(() => server.openWatches === 1)
    const added = server.put('a', {})
    server.writeToWatches(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '200' } } })}\n`)
    await eventually(() => expect(events).toHaveLength(2))
    stop.abort()
    await ended
    expect(events).toEqual([
      { type: 'ADDED', object: added },
      { type: 'BOOKMARK', resourceVersion: '200' },
    ])
    const { timeoutSeconds, ...query } = server.requests[0]?.query ?? {}
    expect(query).toEqual({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '100' })
    expect(Number(timeoutSeconds)).toBeGreaterThanOrEqual(300)
    expect(Number(timeoutSeconds)).toBeLessThanOrEqual(600)
    await eventually(() => server.openWatches === 0)
  })

  test('puts lines together that are cut anywhere, inside a letter too', async () => {
    await using server = await startScriptedApiServer()
    const stop = new AbortController()
    const { events, ended } = collect(clientOf(server), stop.signal)
    await eventually(() => server.openWatches === 1)
    const object = { metadata: { name: 'grüße', namespace: 'default', resourceVersion: '101' }, data: { snow: '☃' } }
    const bytes = Buffer.from(`${JSON.stringify({ type: 'ADDED', object })}\n`.repeat(2))
    for (const byte of bytes) {
      server.writeToWatches(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
    await eventually(() => expect(events).toHaveLength(2))
    expect(events[1]).toEqual({ type: 'ADDED', object })
    stop.abort()
    await ended
  })

  test.each([
    ['an ERROR event', { type: 'ERROR', object: { code: 410, message: 'too old' } }, { code: 410, reason: 'Expired' }],
    [
      'an ERROR event of another sort',
      { type: 'ERROR', object: { code: 500 } },
      { code: 500, reason: 'InternalError' },
    ],
    ['an unknown type', { type: 'GUESS', object: {} }, { code: 0, reason: 'InvalidAnswer' }],
    ['an event without object', { type: 'ADDED' }, { code: 0, reason: 'InvalidAnswer' }],
    ['broken JSON', '{"type":"ADDED"', { code: 0, reason: 'InvalidAnswer' }],
  ])('%s ends it with an error', async (_, line, expected) => {
    await using server = await startScriptedApiServer()
    const { ended } = collect(clientOf(server), new AbortController().signal)
    const failed = errorOf(ended)
    await eventually(() => server.openWatches === 1)
    server.writeToWatches(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
    expect(await failed).toMatchObject(expected)
  })

  test('a polite end is an end; a cut and a silent server are errors', async () => {
    await using server = await startScriptedApiServer()
    const polite = collect(clientOf(server), new AbortController().signal)
    await eventually(() => server.openWatches === 1)
    server.endWatches('politely')
    await polite.ended

    const rough = errorOf(collect(clientOf(server), new AbortController().signal).ended)
    await eventually(() => server.openWatches === 1)
    server.endWatches('roughly')
    expect(await rough).toMatchObject({ code: 0, reason: 'Unreachable' })

    const silent = collect(clientOf(server, { watchIdleMs: 300 }), new AbortController().signal)
    expect(await errorOf(silent.ended)).toMatchObject({ code: 0, reason: 'Timeout' })
  })

  test('a refused watch carries the refusal', async () => {
    await using server = await startScriptedApiServer()
    server.failNext('watch', (response) =>
      refuse(response, { code: 429, reason: 'TooManyRequests' }, { 'retry-after': '1' }),
    )
    const { ended } = collect(clientOf(server), new AbortController().signal)
    expect(await errorOf(ended)).toMatchObject({ code: 429, retry: { afterMs: 1_000 } })
  })
})

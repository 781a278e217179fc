import { expect, test } from 'vitest'
import { type ConfigMap, configMapKind } from '../../src/api/index.ts'
import { createKubeClient, createReflector, type Reflector } from '../../src/kube/index.ts'
import { type Clock, silentLogger, systemClock } from '../../src/runtime/index.ts'
import { eventually } from '../support/eventually.ts'
import { refuse, type ScriptedApiServer, startScriptedApiServer } from '../support/scripted-api-server.ts'

/** Real time, a hundred times faster, which keeps the waits it was asked for. */
const createHastyClock = (waits: number[]): Clock => ({
  ...systemClock,
  sleep(milliseconds, signal) {
    waits.push(Math.round(milliseconds))
    return systemClock.sleep(milliseconds / 100, signal)
  },
})

const textOf = (object: ConfigMap | undefined) => object && `${object.metadata.name}=${object.data?.v}`

interface Watched extends AsyncDisposable {
  readonly reflector: Reflector<ConfigMap>
  readonly changes: string[]
  readonly waits: readonly number[]
  content(): readonly string[]
}

function reflectOn(server: ScriptedApiServer): Watched {
  const client = createKubeClient({ kubeconfig: { server: server.url }, fieldManager: 'test' })
  const waits: number[] = []
  const reflector = createReflector({
    client,
    kind: configMapKind,
    namespace: 'default',
    clock: createHastyClock(waits),
    log: silentLogger,
    random: () => 0.5,
  })
  const changes: string[] = []
  reflector.onChange((current, previous) => changes.push(`${textOf(previous)} -> ${textOf(current)}`))
  const stop = new AbortController()
  const running = reflector.start(stop.signal)
  return {
    reflector,
    changes,
    waits,
    content: () => reflector.list().map((each) => textOf(each) ?? ''),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

test('lists, then follows changes and deletions', async () => {
  await using server = await startScriptedApiServer()
  server.put('a', { v: '1' })
  await using watched = reflectOn(server)
  await watched.reflector.synced
  expect(watched.content()).toEqual(['a=1'])
  server.put('a', { v: '2' })
  server.put('b', { v: '1' })
  server.remove('a')
  await eventually(() => expect(watched.content()).toEqual(['b=1']))
  expect(watched.changes).toEqual(['undefined -> a=1', 'a=1 -> a=2', 'undefined -> b=1', 'a=2 -> undefined'])
  expect(watched.reflector.get({ namespace: 'default', name: 'b' })?.data).toEqual({ v: '1' })
  expect(watched.reflector.list('other')).toEqual([])
})

test.each<[string, (server: ScriptedApiServer) => void]>([
  [
    'HTTP 500 on the next watches',
    (server) => {
      for (const code of [500, 503, 500]) server.failNext('watch', (response) => refuse(response, { code, reason: '' }))
      server.endWatches('politely')
    },
  ],
  ['a connection cut', (server) => server.endWatches('roughly')],
  ['a polite end', (server) => server.endWatches('politely')],
  [
    'a line cut in the middle',
    (server) => {
      server.writeToWatches('{"type":"ADDED","object":{"metadata":')
      server.endWatches('politely')
    },
  ],
  ['a line that is not JSON', (server) => server.writeToWatches('<html>\n')],
  [
    'too many requests',
    (server) => {
      const status = { code: 429, reason: 'TooManyRequests' }
      server.failNext('watch', (response) => refuse(response, status, { 'retry-after': '2' }))
      server.endWatches('politely')
    },
  ],
  [
    'a watch that expired, and lists that fail',
    (server) => {
      server.compact()
      server.failNext('list', (response) => refuse(response, { code: 500, reason: 'InternalError' }))
      server.failNext('list', (response) => response.destroy())
      server.endWatches('politely')
    },
  ],
  [
    'HTTP 410 on the next watch',
    (server) => {
      server.failNext('watch', (response) => refuse(response, { code: 410, reason: 'Gone' }))
      server.endWatches('roughly')
    },
  ],
])('%s loses nothing', async (_, breakIt) => {
  await using server = await startScriptedApiServer()
  server.put('stays', { v: '1' })
  server.put('goes', { v: '1' })
  await using watched = reflectOn(server)
  await eventually(() => server.openWatches === 1)
  breakIt(server)
  server.put('stays', { v: '2' })
  server.remove('goes')
  server.put('comes', { v: '1' })
  await eventually(() => expect(watched.content()).toEqual(['stays=2', 'comes=1']))
  expect(watched.changes.toSorted()).toEqual(
    [
      'goes=1 -> undefined',
      'stays=1 -> stays=2',
      'undefined -> comes=1',
      'undefined -> goes=1',
      'undefined -> stays=1',
    ].toSorted(),
  )
})

test('a deletion while no watch was open is told after the relist', async () => {
  await using server = await startScriptedApiServer()
  server.put('a', { v: '1' })
  server.put('b', { v: '1' })
  await using watched = reflectOn(server)
  await eventually(() => server.openWatches === 1)
  server.endWatches('politely')
  server.remove('a')
  server.compact()
  server.put('b', { v: '2' })
  await eventually(() => expect(watched.content()).toEqual(['b=2']))
  expect(watched.changes).toContain('a=1 -> undefined')
})

const sortsOf = ({ requests }: ScriptedApiServer): readonly string[] =>
  requests.map(({ query }) => (query.sendInitialEvents && 'stream') || (query.watch && 'watch') || 'list')

test('a server that streams everything is not asked for lists', async () => {
  await using server = await startScriptedApiServer({ streams: true })
  server.put('a', { v: '1' })
  server.put('b', { v: '1' })
  await using watched = reflectOn(server)
  await watched.reflector.synced
  expect(watched.content()).toEqual(['a=1', 'b=1'])
  server.put('b', { v: '2' })
  await eventually(() => expect(watched.content()).toEqual(['a=1', 'b=2']))
  server.endWatches('politely')
  server.remove('a')
  server.compact()
  await eventually(() => expect(watched.content()).toEqual(['b=2']))
  expect(watched.changes).toEqual(['undefined -> a=1', 'undefined -> b=1', 'b=1 -> b=2', 'a=1 -> undefined'])
  expect(sortsOf(server)).toEqual(['stream', 'watch', 'stream'])
})

test('a stream that is cut before everything came changes nothing, and is begun again after a wait', async () => {
  await using server = await startScriptedApiServer({ streams: true })
  server.failNext('stream', (response) => {
    const object = { metadata: { name: 'x', namespace: 'default', resourceVersion: '1' } }
    response.end(`${JSON.stringify({ type: 'ADDED', object })}\n`)
  })
  server.put('a', { v: '1' })
  await using watched = reflectOn(server)
  await watched.reflector.synced
  expect([watched.changes, watched.waits]).toEqual([['undefined -> a=1'], [1_000]])
})

test('what changes while everything is streamed is part of it', async () => {
  await using server = await startScriptedApiServer({ streams: true })
  server.failNext('stream', (response) => {
    const line = (type: string, name: string, v: string) => {
      const metadata = { name, namespace: 'default', uid: name, resourceVersion: v }
      return `${JSON.stringify({ type, object: { metadata, data: { v } } })}\n`
    }
    const end = { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } }
    for (const [name, v] of [
      ['a', '1'],
      ['b', '2'],
    ] as const)
      response.write(line('ADDED', name, v))
    response.write(line('MODIFIED', 'a', '3') + line('DELETED', 'b', '4'))
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: end } })}\n`)
  })
  await using watched = reflectOn(server)
  await watched.reflector.synced
  expect(watched.changes).toEqual(['undefined -> a=3'])
})

test('a server that refuses to stream is asked for lists from then on', async () => {
  await using server = await startScriptedApiServer()
  await using _watched = reflectOn(server)
  await eventually(() => server.openWatches === 1)
  server.compact()
  server.endWatches('politely')
  await eventually(() => expect(sortsOf(server).filter((sort) => sort === 'list')).toHaveLength(2))
  expect(sortsOf(server).filter((sort) => sort === 'stream')).toHaveLength(1)
})

test('a server that ends every watch at once is not hammered', async () => {
  await using server = await startScriptedApiServer()
  for (let count = 0; count < 1_000; count += 1) server.failNext('watch', (response) => response.end())
  await using watched = reflectOn(server)
  await eventually(() => watched.waits.length >= 5)
  expect(watched.waits.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000])
})

test('what was waited for is forgotten once a watch has brought something', async () => {
  await using server = await startScriptedApiServer()
  await using watched = reflectOn(server)
  await eventually(() => server.openWatches === 1)
  for (const name of ['a', 'b']) {
    const status = { code: 429, reason: 'TooManyRequests' }
    for (let count = 0; count < 3; count += 1) server.failNext('watch', (response) => refuse(response, status))
    server.put(name, { v: '1' })
    await eventually(() => expect(watched.content()).toContain(`${name}=1`))
    server.endWatches('politely')
    await eventually(() => expect(watched.waits.length).toBe(name === 'a' ? 3 : 6))
    await eventually(() => server.openWatches === 1)
  }
  expect(watched.waits).toEqual([1_000, 2_000, 4_000, 1_000, 2_000, 4_000])
})

test('a handler that throws disturbs nobody', async () => {
  await using server = await startScriptedApiServer()
  await using watched = reflectOn(server)
  await watched.reflector.synced
  const seen: (ConfigMap | undefined)[] = []
  watched.reflector.onChange(() => {
    throw new Error('bad handler')
  })
  const stop = watched.reflector.onChange((current) => seen.push(current))
  await eventually(() => server.openWatches === 1)
  const first = server.put('a', { v: '1' })
  await eventually(() => expect(seen).toEqual([first]))
  stop()
  server.put('a', { v: '2' })
  await eventually(() => expect(watched.content()).toEqual(['a=2']))
  expect(seen).toEqual([first])
})

test('an own write is seen at once and hides older events until the watch has it', async () => {
  await using server = await startScriptedApiServer()
  server.put('a', { v: '1' })
  await using watched = reflectOn(server)
  await eventually(() => server.openWatches === 1)
  const event = (version: string, v: string) => {
    const object = {
      metadata: { name: 'a', namespace: 'default', uid: 'uid-a', resourceVersion: version },
      data: { v },
    }
    server.writeToWatches(`${JSON.stringify({ type: 'MODIFIED', object })}\n`)
  }
  const own: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', namespace: 'default', uid: 'uid-a', resourceVersion: '150' },
    data: { v: 'own' },
  }
  const news: (string | undefined)[] = []
  watched.reflector.onNews((object) => news.push(textOf(object)))
  watched.reflector.overlay(own)
  expect(watched.content()).toEqual(['a=own'])
  event('149', 'older')
  event('150', 'own')
  await eventually(() => expect(watched.changes).toHaveLength(3))
  expect(watched.content()).toEqual(['a=own'])
  event('151', 'newer')
  await eventually(() => expect(watched.content()).toEqual(['a=newer']))
  watched.reflector.overlay(own)
  expect(watched.content()).toEqual(['a=newer'])
  // Each state once, from whoever it came first.
  expect(news).toEqual(['a=own', 'a=newer'])
})

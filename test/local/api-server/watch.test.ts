import { Agent, fetch } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configMap, widget, widgets } from './conformance/objects.ts'
import { type RunningApiServer, startApiServer, type WatchLine } from './running-api-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const merge = 'application/merge-patch+json'

let server: RunningApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(() => server.stop())

const version = async (): Promise<string> => (await server.request('GET', maps)).body.metadata.resourceVersion
const short = ({ type, object }: WatchLine): string => `${type} ${object.metadata?.name ?? object.code}`
const watch = async (query: string): Promise<readonly string[]> =>
  (await server.watch(`${maps}?watch=true&timeoutSeconds=1&${query}`)).map(short)

describe('a watch', () => {
  test('replays what came after a version, in order, and DELETED has the version of the deletion', async () => {
    const from = await version()
    await server.request('POST', maps, { body: configMap('replay') })
    await server.request('PATCH', `${maps}/replay`, { body: { data: { b: '2' } }, contentType: merge })
    await server.request('PATCH', `${maps}/replay`, { body: { data: { b: '2' } }, contentType: merge })
    await server.request('DELETE', `${maps}/replay`)
    const events = await server.watch(`${maps}?watch=true&timeoutSeconds=1&resourceVersion=${from}`)
    expect(events.map(short)).toEqual(['ADDED replay', 'MODIFIED replay', 'DELETED replay'])
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion))
    expect(versions).toEqual([1, 2, 3].map((step) => Number(from) + step))
  })

  test('without a version begins with what is there', async () => {
    await server.request('POST', maps, { body: configMap('there', {}, { labels: { there: 'yes' } }) })
    expect(await watch('labelSelector=there')).toEqual(['ADDED there'])
  })

  test('tells selector transitions as ADDED and DELETED', async () => {
    await server.request('POST', maps, { body: configMap('moving', {}, { labels: { side: 'left' } }) })
    const from = await version()
    const label = (side: string) =>
      server.request('PATCH', `${maps}/moving`, { body: { metadata: { labels: { side } } }, contentType: merge })
    await label('right')
    await label('left')
    expect(await watch(`labelSelector=side%3Dleft&resourceVersion=${from}`)).toEqual(['DELETED moving', 'ADDED moving'])
  })

  test('of a field selector sees one object', async () => {
    const from = await version()
    await server.request('POST', maps, { body: configMap('one') })
    await server.request('POST', maps, { body: configMap('two') })
    expect(await watch(`fieldSelector=metadata.name%3Dtwo&resourceVersion=${from}`)).toEqual(['ADDED two'])
  })

  test('ends with a bookmark of the store when they are wanted', async () => {
    const from = await version()
    const [last] = await server.watch(
      `${maps}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${from}`,
    )
    expect(last).toEqual({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: from, creationTimestamp: null } },
    })
  })

  test('streams a list and says where it ends', async () => {
    const events = await server.watch(
      `${maps}?watch=true&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=there`,
    )
    expect(events.slice(0, 2).map(({ type, object }) => [type, object.metadata.annotations])).toEqual([
      ['ADDED', undefined],
      ['BOOKMARK', { 'k8s.io/initial-events-end': 'true' }],
    ])
  })

  test('of a version of the future is told to come later', async () => {
    const answer = await server.request('GET', `${maps}?watch=true&resourceVersion=99999999`)
    expect([answer.status, answer.body.reason]).toEqual([504, 'Timeout'])
  })

  test('as tables has the columns in its first event only', async () => {
    const from = await version()
    await server.request('POST', maps, { body: configMap('table-a') })
    await server.request('POST', maps, { body: configMap('table-b') })
    const dispatcher = new Agent({ connect: { ca: server.api.caCertificate } })
    const response = await fetch(`${server.api.url}${maps}?watch=true&timeoutSeconds=1&resourceVersion=${from}`, {
      dispatcher,
      headers: {
        authorization: `Bearer ${server.api.token}`,
        accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
      },
    })
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ object }) => [object.columnDefinitions?.length, object.rows[0].cells[0]])).toEqual([
      [3, 'table-a'],
      [undefined, 'table-b'],
    ])
    await dispatcher.close()
  })

  test('of a custom resource serves every version of it', async () => {
    await server.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: widgets })
    const path = '/apis/example.test/v1alpha3/namespaces/default/widgets'
    await server.request('POST', '/apis/example.test/v1/namespaces/default/widgets', { body: widget('w') })
    const [event] = await server.watch(`${path}?watch=true&timeoutSeconds=1`)
    expect([event?.type, event?.object.apiVersion]).toEqual(['ADDED', 'example.test/v1alpha3'])
  })
})

import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Logger, silentLogger } from '../../../src/runtime/index.ts'
import { configMap, widget, widgets } from './conformance/objects.ts'
import { type RunningApiServer, startApiServer } from './running-api-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'

let directory: string
let warnings: string[]
let log: Logger
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-api-'))
  warnings = []
  log = { ...silentLogger, warn: (_fields, message) => warnings.push(message) }
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const start = (): Promise<RunningApiServer> => startApiServer({ dataDirectory: directory, log })
const state = (name: string): string => join(directory, 'state', name)

/** A server's life: what happens in it, and what it leaves on disk as a killed process would. */
async function live<T>(act: (server: RunningApiServer) => Promise<T>): Promise<T> {
  const server = await start()
  try {
    return await act(server)
  } finally {
    await server.halt()
  }
}

const everything = async ({ request }: RunningApiServer) => ({
  maps: (await request('GET', maps)).body,
  crds: (await request('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions')).body.items,
  widgets: (await request('GET', '/apis/example.test/v1/widgets')).body.items,
})

describe('a restart', () => {
  test('keeps objects, uids, the version, the token and the authority', async () => {
    const before = await live(async (server) => {
      await server.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: widgets })
      await server.request('POST', '/apis/example.test/v1/namespaces/default/widgets', { body: widget('w') })
      await server.request('POST', maps, { body: configMap('kept') })
      await server.request('POST', maps, { body: configMap('deleted') })
      await server.request('DELETE', `${maps}/deleted`)
      return { all: await everything(server), token: server.api.token, ca: server.api.caCertificate }
    })
    const after = await live(async (server) => ({
      all: await everything(server),
      token: server.api.token,
      ca: server.api.caCertificate,
    }))
    expect(after).toEqual(before)
    expect(before.all.widgets).toHaveLength(1)
  })

  test('after a kill replays the journal', async () => {
    const before = await live(async (server) => {
      await server.request('POST', maps, { body: configMap('kept') })
      const seen = await everything(server)
      const journal = await readFile(state('0.journal'), 'utf8')
      return { seen, journal }
    })
    await rm(state('1.snapshot'))
    await rm(state('1.journal'))
    await writeFile(state('0.journal'), before.journal)
    expect(await live(everything)).toEqual(before.seen)
  })

  test('drops a torn entry at the end of the journal, says so, and goes on', async () => {
    await live((server) => server.request('POST', maps, { body: configMap('kept') }))
    await appendFile(state('1.journal'), 'deadbeef {"r":"/configmaps","k":"default/to')
    const names = async () =>
      live(async ({ request }) =>
        (await request('GET', maps)).body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
      )
    expect(await names()).toEqual(['kept'])
    expect(warnings).toEqual(['journal ends in a torn entry; the changes before it are kept'])
    expect(await names()).toEqual(['kept'])
    expect(warnings).toHaveLength(1)
  })

  test('with a torn snapshot uses the one before and the journals since', async () => {
    await live((server) => server.request('POST', maps, { body: configMap('first') }))
    const before = await live(async (server) => {
      await server.request('POST', maps, { body: configMap('second') })
      return everything(server)
    })
    const { size } = await stat(state('2.snapshot'))
    await truncate(state('2.snapshot'), size - 20)
    expect(await live(everything)).toEqual(before)
    expect(warnings).toEqual(['snapshot is torn; the one before it and the journals since are used'])
  })

  test('forgets the past of watches: an old version is told 410', async () => {
    const version = await live(async ({ request }) => {
      const { body } = await request('GET', maps)
      await request('POST', maps, { body: configMap('later') })
      return body.metadata.resourceVersion
    })
    const answer = await live(({ request }) => request('GET', `${maps}?watch=true&resourceVersion=${version}`))
    expect([answer.status, answer.body.reason]).toEqual([410, 'Expired'])
  })

  test('keeps two generations on disk, and no file is readable by others', async () => {
    for (let life = 0; life < 4; life += 1) await live(async () => undefined)
    const files = (await readdir(join(directory, 'state'))).sort()
    expect(files).toEqual(['3.journal', '3.snapshot', '4.journal', '4.snapshot'])
    const modes = await Promise.all(
      ['kubeconfig', 'token', 'server.key', 'state/4.snapshot', 'state/4.journal'].map(
        async (name) => (await stat(join(directory, name))).mode & 0o777,
      ),
    )
    expect(modes).toEqual([0o600, 0o600, 0o600, 0o600, 0o600])
  })
})

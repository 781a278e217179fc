import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Canary } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { type ReleasedApp, startApp } from '../support/released-app.ts'
import { type Ended, isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

describe.skipIf(isKubectlMissing('commands on the local platform'))('sluice', () => {
  let platform: SluiceLocal
  let quick: ReleasedApp
  /** Its checks are far apart: a release of it stays where it is until somebody decides. */
  let slow: ReleasedApp

  beforeAll(async () => {
    platform = await startSluiceLocal()
    const [one, other] = await Promise.all([
      startApp(platform, { namespace: 'quick' }),
      startApp(platform, { namespace: 'slow', analysis: { interval: '10m' } }),
    ])
    quick = one
    slow = other
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  const wait = (namespace: string, ...words: readonly string[]): Promise<Ended> =>
    platform.sluice('wait', 'web', '-n', namespace, ...words)

  const mirroring = (app: ReleasedApp) =>
    app.until('it mirrors', ({ status }) => status?.mirrorWeight === 100 && status.phase === 'Progressing')

  test.concurrent('wait, right after the change, tells of the promotion by exit code 0', async ({ expect }) => {
    const watch = platform.startSluice('get', 'canary', '-n', 'quick', '-w')
    let watched = ''
    watch.stdout?.on('data', (chunk) => {
      watched += chunk
    })
    await eventually(() => expect(watched).toContain('Initialized'), { within: 30_000 })
    await quick.setImage('2.0.0')
    const ended = await wait('quick')
    expect(ended).toMatchObject({ code: 0, err: '' })
    const lines = ended.out.trimEnd().split('\n')
    expect(lines.at(-1)).toMatch(/^Succeeded: web:[\d.]+ -> web:[\d.]+ \(v1-[0-9a-f]+\) is promoted$/)
    // Whoever comes later, or asks for the image by its name, hears the same.
    expect(await wait('quick', '--revision', 'demo/web:2.0.0')).toMatchObject({ code: 0 })

    watch.kill('SIGINT')
    expect(await once(watch, 'exit')).toEqual([130, null])
    const table = watched.trimEnd().split('\n')
    expect(watched).toMatch(/Progressing +50% .* web:2\.0\.0 \(v1-[0-9a-f]+\) gets 50% of the requests/)
    const columns = (table[0] ?? '').split(/\s+/)
    expect(columns).toEqual(['NAMESPACE', 'NAME', 'STATUS', 'WEIGHT', 'MIRROR', 'FAILED', 'VERSION', 'MESSAGE'])
    const startOf = (column: string) => (table[0] ?? '').indexOf(column)
    const isAligned = (line: string) => /^\d+% /.test(line.slice(startOf('WEIGHT')))
    expect(table.slice(1).filter((line) => !isAligned(line))).toEqual([])
    expect(table.at(-1)?.slice(startOf('STATUS'))).toMatch(
      /^Succeeded +0% +- +0 +(web:[\d.]+ -> web:[\d.]+) +\1 \(v1-[0-9a-f]+\) is promoted$/,
    )
  })

  test.concurrent('promote, abort and a newer change end a release as wait tells', async ({ expect }) => {
    await slow.setImage('2.0.0')
    const first = await mirroring(slow)
    const late = await wait('slow', '--timeout', '1s')
    expect(late).toMatchObject({ code: 4, err: 'sluice: timed out after 1s; the release goes on\n' })

    const superseded = wait('slow', '--revision', 'demo/web:2.0.0')
    await slow.setImage('2.1.0')
    const second = await mirroring(slow).then(() =>
      slow.until('the second', ({ status }) => status?.lastAppliedSpec !== first.status?.lastAppliedSpec),
    )
    const replaced = `${first.status?.lastAppliedSpec} was replaced by ${second.status?.lastAppliedSpec}`
    expect(await superseded).toMatchObject({ code: 6, out: expect.stringContaining(replaced) })

    await mirroring(slow)
    const promoted = wait('slow')
    expect(await platform.sluice('promote', 'web', '-n', 'slow')).toEqual({
      code: 0,
      out: `canary slow/web: ${second.status?.lastAppliedSpec} is being promoted\n`,
      err: '',
    })
    expect(await promoted).toMatchObject({ code: 0, out: expect.stringMatching(/Succeeded: .* is promoted\n$/) })

    await slow.setImage('2.2.0')
    const third = await mirroring(slow)
    const aborted = wait('slow')
    const { code, out } = await platform.sluice('abort', 'web', '-n', 'slow')
    expect([code, out]).toEqual([0, `canary slow/web: ${third.status?.lastAppliedSpec} is being rolled back\n`])
    const message = `Failed: an operator aborted web:2.2.0 (${third.status?.lastAppliedSpec})\n`
    expect(await aborted).toMatchObject({ code: 3, out: expect.stringContaining(message) })
    const idle = 'canary slow/web: no release is going on (phase Failed), so there is nothing to decide'
    expect(await platform.sluice('abort', 'web', '-n', 'slow')).toMatchObject({ code: 1, err: `sluice: ${idle}\n` })
  })

  test('status says why, in words and as JSON', async () => {
    const [words, json] = await Promise.all([
      platform.sluice('status', 'web', '-n', 'quick'),
      platform.sluice('status', 'web', '-n', 'quick', '-o', 'json'),
    ])
    expect(words.out).toMatch(
      /^Canary: +quick\/web\nPhase: +Succeeded\nMessage: +web:[\d.]+ -> web:[\d.]+ \(v1-\w+\) is promoted\nWeight: +0%\n/,
    )
    expect(words.out).toMatch(/Run: +web-1: web:[\d.]+ -> web:2\.0\.0 \(v1-\w+\)\nSteps: +passed +mirror 100%\n/)
    expect(words.out).toMatch(/passed +weight 50%\n +request-success-rate: success rate .* requests failed\)\n/)
    const document = JSON.parse(json.out)
    expect(Object.keys(document)).toEqual(['schemaVersion', 'canary', 'run'])
    expect(document.run.status.phase).toBe('Succeeded')
  })

  test('get prints a table for people and whole objects for programs', async () => {
    const [table, list, one, none] = await Promise.all([
      platform.sluice('get', 'canary', '-A'),
      platform.sluice('get', 'canaries', '-A', '-o', 'json'),
      platform.sluice('get', 'canary', 'web', '-n', 'quick', '-o', 'json'),
      platform.sluice('get', 'canary'),
    ])
    expect(table.out.split('\n').map((line) => line.split(/ {2,}/).slice(0, 5))).toEqual([
      ['NAMESPACE', 'NAME', 'STATUS', 'WEIGHT', 'MIRROR'],
      ['quick', 'web', 'Succeeded', '0%', '-'],
      ['slow', 'web', 'Failed', '0%', '-'],
      [''],
    ])
    const names = JSON.parse(list.out).items.map(({ metadata }: Canary) => `${metadata.namespace}/${metadata.name}`)
    expect(names).toEqual(['quick/web', 'slow/web'])
    expect(JSON.parse(one.out)).toMatchObject({ kind: 'Canary', status: { phase: 'Succeeded' } })
    expect(none).toEqual({ code: 0, out: '', err: 'No canaries found in namespace default; -A looks in all.\n' })
  })

  const commands = ['wait', 'promote', 'abort', 'status', 'get canary']
  test.concurrent.each(commands)('%s of no canary is exit code 5', async (command) => {
    expect(await platform.sluice(...command.split(' '), 'nope')).toEqual({
      code: 5,
      out: '',
      err: 'sluice: there is no canary default/nope; see "sluice get canary -A"\n',
    })
  })
})

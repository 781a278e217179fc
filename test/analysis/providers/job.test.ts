import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MetricProvider } from '../../../src/analysis/provider.ts'
import { providers } from '../../../src/analysis/registry.ts'
import { canaryRunKind, jobKind, jobNameLabel, podKind } from '../../../src/api/index.ts'
import { createJobRunner } from '../../../src/controller/index.ts'
import { type KubeClient, KubeError } from '../../../src/kube/index.ts'
import { systemClock } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'
import { type LocalCluster, scriptImage, startLocalCluster } from '../../support/local-cluster.ts'
import { WINDOW } from './dialects/dialect.ts'

/** A program for each answer; the tag of the image says which. */
const script = `
const { writeFileSync } = require('node:fs')
const said = { value: '12.5\\n', several: 'warming up\\n1\\n97.25\\n', nan: 'NaN', word: 'fine', empty: '',
  huge: 'x'.repeat(1024 * 1024), exponent: '1.5e2', failed: 'cannot log in' }
const kind = process.env.VERSION
const text = said[kind] ?? process.argv.slice(1).join(' ')
if (text !== '') writeFileSync(process.env.TERMINATION_MESSAGE_PATH, text)
if (kind === 'huge') console.log(text)
if (kind === 'slow') setInterval(() => {}, 1000)
process.exitCode = kind === 'failed' ? 3 : 0
`

const specOf = (kind: string, args: readonly string[] = []) => ({
  template: {
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: `test/measure:${kind}`, args }] },
  },
})

describe('a Job', () => {
  let cluster: LocalCluster

  beforeAll(async () => {
    cluster = await startLocalCluster()
    await cluster.apply(scriptImage('test/measure', script))
  })

  afterAll(() => cluster?.[Symbol.asyncDispose]())

  interface Settings {
    readonly result?: 'number' | 'exitStatus'
    readonly timeout?: string
    readonly id: string
    readonly metric?: string
    readonly client?: Pick<KubeClient, 'get' | 'list' | 'create' | 'delete'>
    readonly run?: { readonly name: string; readonly uid: string }
  }

  const provider = ({ result = 'number', timeout = '60s', id, metric = id, client, run }: Settings): MetricProvider =>
    providers.job({
      provider: { type: 'job', job: { result, timeout, spec: {} } },
      metricsServer: '',
      secret: {},
      clock: systemClock,
      environment: {},
      jobs: createJobRunner(client ?? cluster.client, systemClock),
      check: { namespace: 'default', metric, id, run },
    })

  const ask = (spec: object, settings: Settings) =>
    eventually(
      async () => {
        const answer = await provider(settings).newest(JSON.stringify(spec), WINDOW, AbortSignal.timeout(120_000))
        if (answer.kind === 'provider-down') expect(answer.isPending).toBeUndefined()
        return answer
      },
      { within: 60_000, every: 100, what: `the Job of ${settings.id}` },
    )

  const value = (number: number) => ({ kind: 'samples', samples: [{ labels: {}, value: number }] })

  test.concurrent.each([
    ['value', value(12.5)],
    ['several', value(97.25)],
    ['nan', value(Number.NaN)],
    ['exponent', value(150)],
    ['empty', { kind: 'samples', samples: [], warnings: [expect.stringMatching(/^the Job empty-\w{16} left no /)] }],
    ['word', { kind: 'query-error', message: expect.stringMatching(/is no number: fine$/) }],
    ['huge', { kind: 'query-error', message: expect.stringMatching(/is no number: x{200}$/) }],
    ['failed', { kind: 'query-error', message: expect.stringMatching(/failed with exit code 3: cannot log in$/) }],
  ])('gives the last line of its termination message: %s', async (kind, expected) => {
    expect(await ask(specOf(kind), { id: kind })).toEqual(expected)
  })

  test.concurrent.each([
    ['value', value(1)],
    ['failed', { ...value(0), warnings: [expect.stringMatching(/failed with exit code 3: cannot log in$/)] }],
  ])('counts 1 when it completes, 0 when it fails: %s', async (kind, expected) => {
    expect(await ask(specOf(kind), { id: `status-${kind}`, result: 'exitStatus' })).toEqual(expected)
  })

  test.concurrent('is ended when its time is over', async () => {
    const settings: Settings = { id: 'slow', result: 'exitStatus', timeout: '1s' }
    expect(await ask(specOf('slow'), settings)).toEqual({
      kind: 'provider-down',
      message: expect.stringMatching(/^the Job slow-\w{16} did not finish within 1s$/),
    })
    await eventually(async () => {
      const { items } = await cluster.client.list(podKind, { namespace: 'default' })
      expect(items.filter(({ metadata }) => metadata.labels?.[jobNameLabel]?.startsWith('slow-'))).toEqual([])
    })
  })

  test.concurrent('is begun once for a check, by whoever asks; a later check takes it away', async () => {
    const metric = 'twice'
    const jobs = async () => {
      const { items } = await cluster.client.list(jobKind, { namespace: 'default' })
      return items.filter(({ metadata }) => metadata.labels?.['sluice.dev/metric'] === metric)
    }
    const spec = specOf('said', ['7'])
    expect(await ask(spec, { id: 'first', metric })).toEqual(value(7))
    const [first] = await jobs()
    expect(await ask(spec, { id: 'first', metric })).toEqual(value(7))
    expect((await jobs()).map(({ metadata }) => metadata.uid)).toEqual([first?.metadata.uid])
    await ask(spec, { id: 'second', metric })
    await eventually(async () => expect((await jobs()).map(({ metadata }) => metadata.name)).toHaveLength(1))
    expect((await jobs())[0]?.metadata.uid).not.toBe(first?.metadata.uid)
  })

  test.concurrent('goes with the run that it was begun for', async () => {
    const run = await cluster.client.create(canaryRunKind, {
      apiVersion: 'sluice.dev/v1',
      kind: 'CanaryRun',
      metadata: { name: 'web-1', namespace: 'default' },
      spec: { canary: 'web', revision: 'a', images: [], startedAt: '2030-01-01T00:00:00Z' },
    })
    const owner = { name: 'web-1', uid: run.metadata.uid ?? '' }
    expect(await ask(specOf('value'), { id: '1', metric: 'owned', run: owner })).toEqual(value(12.5))
    const owned = async () => {
      const { items } = await cluster.client.list(jobKind, { namespace: 'default' })
      return items.filter(({ metadata }) => metadata.labels?.['sluice.dev/run'] === 'web-1')
    }
    expect((await owned())[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'CanaryRun', ...owner }])
    await cluster.client.delete(canaryRunKind, { namespace: 'default', name: 'web-1' })
    await eventually(async () => expect(await owned()).toEqual([]))
  })

  test('that the API server refuses is a query error, and says why', async () => {
    const answer = await ask({ template: { spec: { containers: [] } } }, { id: 'wrong' })
    expect(answer).toEqual({
      kind: 'query-error',
      message: expect.stringMatching(/^the Job wrong-\w{16} is refused: .*spec\.template\.spec\.containers/),
    })
  })

  test('without the right to run it, the provider is down', async () => {
    const forbid = async () => {
      throw new KubeError('jobs.batch is forbidden', { code: 403, reason: 'Forbidden', retry: 'later' })
    }
    const client = { get: forbid, list: forbid, create: forbid, delete: forbid }
    const answer = await provider({ id: 'forbidden', client }).newest('{}', WINDOW, AbortSignal.timeout(1_000))
    expect(answer).toEqual({
      kind: 'provider-down',
      message: expect.stringMatching(/could not be run: jobs\.batch is forbidden$/),
    })
  })
})

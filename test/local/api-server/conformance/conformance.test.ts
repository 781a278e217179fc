import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type KubeApiserver, startKubeApiserver } from '../../../support/kube-apiserver.ts'
import { skipReason } from '../../../support/kube-binaries.ts'
import { type RunningApiServer, startApiServer } from '../running-api-server.ts'
import { knownDifferences } from './known-differences.ts'
import { prepare, type Recorded, runScenario } from './run.ts'
import { scenarios } from './scenarios.ts'

/**
 * The same requests to ours and to a real kube-apiserver. Its answers are kept in generated/answers.json, so that ours
 * is held against them on every machine; where the real one can run, the file is held against it.
 * SLUICE_RECORD=1 writes the file anew.
 */
const file = join(import.meta.dirname, 'generated/answers.json')
const recorded = async (): Promise<Readonly<Record<string, readonly Recorded[]>>> =>
  JSON.parse(await readFile(file, 'utf8'))
const skipped = skipReason('answers of a real kube-apiserver', 'etcd', 'kube-apiserver')

describe('ours answers as kube-apiserver does', () => {
  let ours: RunningApiServer
  beforeAll(async () => {
    ours = await startApiServer()
    await prepare(ours.request)
  })
  afterAll(() => ours.stop())

  test.each(scenarios)('$name', async (scenario) => {
    const expected = (await recorded())[scenario.name] ?? []
    const answers = await runScenario(ours.request, scenario)
    const isKnown = ({ say }: Recorded): boolean => Object.hasOwn(knownDifferences, `${scenario.name} / ${say}`)
    expect(answers.filter((one) => !isKnown(one))).toEqual(expected.filter((one) => !isKnown(one)))
    expect(answers.map(({ say, status }) => ({ say, status }))).toEqual(
      expected.map(({ say, status }) => ({ say, status })),
    )
  })
})

describe.skipIf(skipped !== undefined)('the recorded answers are those of kube-apiserver', () => {
  let real: KubeApiserver
  beforeAll(async () => {
    real = await startKubeApiserver()
    await prepare(real.request)
  })
  afterAll(() => real?.stop())

  test('all scenarios', async () => {
    const answers: Record<string, readonly Recorded[]> = {}
    for (const scenario of scenarios) answers[scenario.name] = await runScenario(real.request, scenario)
    if (process.env.SLUICE_RECORD === '1') await writeFile(file, `${JSON.stringify(answers, null, 1)}\n`)
    expect(answers).toEqual(await recorded())
  })
})

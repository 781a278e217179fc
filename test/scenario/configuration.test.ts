import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Canary, type ConfigMap, configMapKind, deploymentKind, podKind } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { answersSince, type ReleasedApp, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

const namespace = 'configured'
const ref = { namespace, name: 'version' }

const configMap = (VERSION: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: ref,
  data: { VERSION },
})

/** The version that the program takes itself for comes from the ConfigMap, whatever the tag of its image. */
const reading = {
  spec: {
    template: {
      spec: {
        containers: [
          {
            name: 'web',
            env: [{ name: 'VERSION', valueFrom: { configMapKeyRef: { name: 'version', key: 'VERSION' } } }],
          },
        ],
      },
    },
  },
}

describe.skipIf(isKubectlMissing('configuration on the local platform'))('a changed ConfigMap', () => {
  let platform: SluiceLocal
  let app: ReleasedApp

  beforeAll(async () => {
    platform = await startSluiceLocal()
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  const write = (version: string) =>
    platform.client.patch(configMapKind, ref, { data: { VERSION: version } }, { type: 'merge' })

  const endedAs = (run: string, phase: string) =>
    app.until(`${run} is ${phase}`, ({ status }: Canary) =>
      expect([status?.runName, status?.phase]).toEqual([run, phase]),
    )

  /** Versions that users have answers of from now on. */
  async function answering(): Promise<readonly string[]> {
    const before = await app.counts()
    const more = async () => {
      const { counts } = await answersSince(app, before)
      const answered = Object.entries(counts).filter(([, { requests }]) => requests > 0)
      return answered.reduce((sum, [, { requests }]) => sum + requests, 0) >= 40 && answered.map(([version]) => version)
    }
    return (await eventually(more, { within: 30_000, what: 'answers' })) as readonly string[]
  }

  test('is released like code: promoted, rolled back, and not seen by the primary before', async () => {
    app = await startApp(platform, { namespace })
    await platform.client.create(configMapKind, configMap('2.0.0'))
    await platform.client.patch(deploymentKind, { namespace, name: 'web' }, reading, { type: 'strategic' })
    await endedAs('web-1', 'Succeeded')
    expect(await answering()).toEqual(['2.0.0'])

    await write('5.0.0')
    await endedAs('web-2', 'Failed')
    expect(await answering()).toEqual(['2.0.0'])
    const before = await app.counts()

    // A pod of the primary that starts now reads what the primary was promoted with.
    const [former] = (await platform.client.list(podKind, { namespace, labelSelector: 'app=web-primary' })).items
    await platform.client.patch(
      deploymentKind,
      { namespace, name: 'web-primary' },
      { spec: { replicas: 2 } },
      { type: 'merge' },
    )
    await eventually(
      async () => {
        const { items } = await platform.client.list(podKind, { namespace, labelSelector: 'app=web-primary' })
        const ready = items.filter(({ status }) =>
          status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True'),
        )
        expect(ready).toHaveLength(2)
      },
      { within: 30_000 },
    )
    await platform.client.delete(podKind, { namespace, name: former?.metadata.name ?? '' })
    expect(await answering()).toEqual(['2.0.0'])
    expect((await answersSince(app, before)).failures).toEqual([])

    await write('2.1.0')
    await endedAs('web-3', 'Succeeded')
    expect(await answering()).toEqual(['2.1.0'])
  }, 300_000)
})

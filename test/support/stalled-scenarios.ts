import { expect, test } from 'vitest'
import { canaryKind, deploymentKind } from '../../src/api/index.ts'
import { eventually } from './eventually.ts'
import { type Stage, stagedCanary, stagedDeployment, startNamespace, watchApp } from './staged-app.ts'

/** What the API server can not see: the Canary says what is wrong, and goes on by itself when it is mended. */
export function describeStalling(stage: () => Stage): void {
  test.concurrent('a Canary says one after the other what is wrong with it, and goes on when all of it is mended', async () => {
    const { client } = stage()
    const namespace = 'mended'
    const ref = { namespace, name: 'web' }
    await startNamespace(stage(), namespace)
    const elsewhere = [{ name: 'team', providerRef: { name: 'team', namespace: 'default' } }]
    const wrong = { targetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' } }
    await client.create(canaryKind, stagedCanary({ namespace, spec: wrong, analysis: { alerts: elsewhere } }))
    const app = watchApp(stage(), namespace)
    const stalls = (name: string, reason: string) =>
      eventually(
        async () => {
          const canary = await client.get(canaryKind, { namespace, name })
          const stalled = canary?.status?.conditions?.find(({ type }) => type === 'Stalled')
          expect([stalled?.status, stalled?.reason]).toEqual(['True', reason])
        },
        { within: 60_000 },
      )
    const mend = (spec: object) => client.patch(canaryKind, ref, { spec }, { type: 'merge' })

    await stalls('web', 'UnsupportedTarget')
    await mend({ targetRef: { kind: 'DaemonSet' } })
    await stalls('web', 'CrossNamespaceReference')
    await mend({ analysis: { alerts: null } })
    await stalls('web', 'TargetNotFound')
    expect((await app.canary()).status?.message).toContain('DaemonSet web does not exist')
    await client.create(deploymentKind, stagedDeployment(stage(), namespace))
    await mend({ targetRef: { kind: 'Deployment' } })
    await app.until('the first version', ({ status }) => expect(status?.phase).toBe('Initialized'))

    await client.create(canaryKind, stagedCanary({ namespace }, 'younger'))
    await stalls('younger', 'TargetClaimed')
    await client.delete(canaryKind, ref)
    const goesOn = async () => {
      const younger = await client.get(canaryKind, { namespace, name: 'younger' })
      expect(younger?.status?.phase).toBe('Initialized')
    }
    await eventually(goesOn, { within: 120_000 })
    await app.stop()
  }, 300_000)
}

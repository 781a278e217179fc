import { expect, test } from 'vitest'
import {
  abortAnnotation,
  canaryKind,
  canaryRunKind,
  deploymentKind,
  promoteAnnotation,
  type ResourceKind,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { eventually } from './eventually.ts'
import { newRoutesOf, type Stage, type StagedApp, startStagedApp } from './staged-app.ts'

const TIMEOUT_MS = 500_000
const namespace = 'policies'
const ref = { namespace, name: 'web' }

/** What a Canary may say of failure, of going back, of standing still and of its own end, on one app. */
export function describePolicies(stage: () => Stage): void {
  const say = (spec: object) => stage().client.patch(canaryKind, ref, { spec }, { type: 'merge' })

  const replicas = async (app: StagedApp) => (await app.deployment('web')).spec.replicas

  async function releaseBad(app: StagedApp, version: string): Promise<void> {
    app.setMetric(100)
    await app.setImage(version)
    await reachHalf(app, version)
    app.setMetric(90)
  }

  const reachHalf = (app: StagedApp, version: string) =>
    app.until(`${version} at half of the traffic`, ({ status }) =>
      expect([status?.canaryWeight, status?.version?.includes(`-> web:${version}`)]).toEqual([50, true]),
    )

  const rolledOut = async (app: StagedApp) => {
    const { metadata, status } = await app.deployment('web')
    expect([status?.observedGeneration, status?.updatedReplicas]).toEqual([metadata.generation, 2])
  }

  test.concurrent(
    'a failure keeps pods or freezes, a pause holds, a version that served lately is back at once',
    async () => {
      const app = await startStagedApp(stage(), {
        namespace,
        analysis: { mirror: false },
        spec: { failurePolicy: 'hold', rollbackWindow: '1h' },
      })
      const routes = newRoutesOf(app)
      await releaseBad(app, '1.1.0')
      expect((await app.ended('1.1.0')).status?.reason).toBe('ThresholdReached')
      expect([await replicas(app), routes()]).toEqual([2, ['0+0', '50+0', '0+0']])

      await say({ failurePolicy: 'freeze' })
      await releaseBad(app, '1.2.0')
      const frozen = await app.until('it is frozen', ({ status }) =>
        expect(status?.message).toContain('frozen as it is'),
      )
      const stalled = frozen.status?.conditions?.find(({ type }) => type === 'Stalled')
      expect([stalled?.reason, frozen.status?.phase, routes()]).toEqual(['ThresholdReached', 'Progressing', ['50+0']])
      await app.annotate(abortAnnotation)
      expect((await app.ended('1.2.0')).status?.reason).toBe('Aborted')
      expect([await replicas(app), routes()]).toEqual([0, ['0+0']])

      app.setMetric(100)
      await app.setImage('1.3.0')
      await reachHalf(app, '1.3.0')
      await say({ suspend: true })
      await app.until('it is held', ({ status }) => expect(status?.suspendedAt).toBeDefined())
      await app.setImage('1.4.0')
      await eventually(() => rolledOut(app), { within: 120_000 })
      expect(routes()).toEqual(['50+0'])
      await say({ suspend: false })
      expect((await app.ended('1.4.0')).status?.phase).toBe('Succeeded')
      expect((await app.ended('1.3.0')).status?.phase).toBe('Superseded')
      expect(routes()).toEqual(['0+0', '50+0', '0+0'])

      await app.setImage('1.5.0')
      await reachHalf(app, '1.5.0')
      await app.annotate(promoteAnnotation)
      expect((await app.ended('1.5.0')).status?.phase).toBe('Succeeded')
      routes()
      await app.setImage('1.4.0')
      await app.until('it is back', ({ status }) =>
        expect([status?.runName, status?.phase]).toEqual(['web-6', 'Succeeded']),
      )
      const run = await stage().client.get(canaryRunKind, { namespace, name: 'web-6' })
      expect([run?.status?.steps, routes()]).toEqual([[], []])
      expect((await app.deployment('web-primary')).spec.template.spec.containers[0]?.image).toBe('demo/web:1.4.0')

      await say({ revertOnDeletion: false })
      await stage().client.delete(canaryKind, ref)
      const names = async (kind: ResourceKind) =>
        (await stage().client.list(kind, { namespace })).items.map(({ metadata }) => metadata.name)
      const kinds = [canaryKind, deploymentKind, serviceKind, virtualServiceKind]
      await eventually(async () => expect(await Promise.all(kinds.map(names))).toEqual([[], ['web'], [], []]), {
        within: 120_000,
      })
      expect(await replicas(app)).toBe(0)
      await app.stop()
    },
    TIMEOUT_MS,
  )
}

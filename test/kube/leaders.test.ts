import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leaseKind } from '../../src/api/index.ts'
import { type AuditedRequest, readAuditLog } from '../support/audit-log.ts'
import { controlPlaneTools } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { type KubeStage, type StagedController, startKubeStage, systemNamespace } from '../support/kube-stage.ts'
import { startStagedApp } from '../support/staged-app.ts'

const skipped = skipReason('controllers that come and go on a real control plane', ...controlPlaneTools, 'helm')
const TIMEOUT_MS = 300_000

/** Each test ends with one controller leading, which the next one begins with. */
describe.skipIf(skipped !== undefined)('on a real control plane', () => {
  let stage: KubeStage
  let leader: StagedController

  beforeAll(async () => {
    stage = await startKubeStage()
    leader = await stage.startController()
  }, BUILD_TIMEOUT_MS)

  afterAll(() => stage?.stop())

  const holder = async () => {
    const ref = { namespace: systemNamespace, name: 'sluice-controller' }
    return (await stage.client.get(leaseKind, ref))?.spec?.holderIdentity ?? ''
  }
  const untilLeading = ({ process }: StagedController) =>
    eventually(async () => expect(await holder()).toMatch(new RegExp(`-${process.pid}$`)), { within: 120_000 })
  const writesOf = async ({ credential }: StagedController): Promise<readonly AuditedRequest[]> =>
    (await readAuditLog(stage.plane)).filter(
      (request) => request.credential === credential && !['get', 'list', 'watch'].includes(request.verb),
    )

  test(
    'a controller that is killed in the middle of a release goes on where it was',
    async () => {
      const app = await startStagedApp(stage, { namespace: 'killed' })
      app.standAt('0+100')
      await app.setImage('1.1.0')
      await app.until('it is mirrored', ({ status }) => expect(status?.mirrorWeight).toBe(100))
      leader.process.kill('SIGKILL')
      await leader.process.exited
      app.setMetric(100)
      leader = await stage.startController()
      const run = await app.ended('1.1.0')
      expect(app.steps(run)).toEqual(['mirror 0 passed', 'weight 50 passed'])
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
      await app.stop()
    },
    TIMEOUT_MS,
  )

  test(
    'a leader that ends hands the lease over in the middle of a release',
    async () => {
      const app = await startStagedApp(stage, { namespace: 'handed-over' })
      const second = await stage.startController()
      app.standAt('0+100')
      await app.setImage('1.1.0')
      await app.until('it is mirrored', ({ status }) => expect(status?.mirrorWeight).toBe(100))
      expect(await writesOf(second)).toEqual([])
      await leader.process.stop({ graceMs: 60_000 })
      expect(await leader.process.exited).toEqual({ code: 0, signal: null })
      app.setMetric(100)
      leader = second
      await untilLeading(leader)
      expect((await app.ended('1.1.0')).status?.phase).toBe('Succeeded')
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
      await app.stop()
    },
    TIMEOUT_MS,
  )

  test(
    'a leader that slept through its lease does nothing more, and ends',
    async () => {
      const app = await startStagedApp(stage, { namespace: 'slept' })
      const second = await stage.startController()
      app.standAt('50+0')
      await app.setImage('1.1.0')
      await app.until('half of the traffic', ({ status }) => expect(status?.canaryWeight).toBe(50))
      leader.process.kill('SIGSTOP')
      app.setMetric(0)
      await untilLeading(second)
      const run = await app.ended('1.1.0')
      expect([run.status?.phase, app.routes.at(-1)]).toEqual(['Failed', '0+0'])
      const wokenAt = Date.now()
      const before = (await app.canary()).metadata.resourceVersion
      leader.process.kill('SIGCONT')
      // Somebody leads already, so it may not go on: whoever runs it starts it again.
      expect((await leader.process.exited).code).toBe(1)
      const late = (await writesOf(leader)).filter(({ at, code }) => at >= wokenAt && code < 400)
      expect(late.filter(({ resource }) => resource !== 'events')).toEqual([])
      expect((await app.canary()).metadata.resourceVersion).toBe(before)
      expect(app.routes.at(-1)).toBe('0+0')
      leader = second
      await app.stop()
    },
    TIMEOUT_MS,
  )
})

import { expect, test } from 'vitest'
import type { ContainerStatus, Pod } from '../../src/api/index.ts'
import { decide, podsDueAt } from '../../src/canary/index.ts'
import { describeCrashes } from '../../src/controller/crashes.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld } from '../support/release-world.ts'

const crashing: Partial<ContainerStatus> = {
  ready: false,
  restartCount: 2,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { exitCode: 3 } },
}

const pod = (status: Partial<ContainerStatus>, metadata: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', ...metadata },
  spec: { containers: [] },
  status: { containerStatuses: [{ name: 'web', image: '', imageID: '', ready: true, restartCount: 0, ...status }] },
})

test.each([
  ['every pod does', [pod(crashing), pod(crashing)], true],
  ['one that goes is not counted', [pod(crashing), pod({}, { deletionTimestamp: 'now' })], true],
  ['one still runs', [pod(crashing), pod({})], false],
  ['one has been restarted once', [pod({ ...crashing, restartCount: 1 })], false],
  ['it waits for its image', [pod({ ...crashing, state: { waiting: { reason: 'ErrImagePull' } } })], false],
  ['there are no pods', [], false],
])('pods crash again and again: %s', (_, pods, expected) => {
  const message = 'container web ended with code 3 and was restarted 2 times'
  expect(describeCrashes(pods)).toEqual(expected ? { message } : undefined)
})

test('a version of which every pod crashes is taken back long before its deadline', () => {
  const world = initializedWorld(buildCanary({ spec: { progressDeadlineSeconds: 600 } }))
  world.release('v2')
  world.pass()
  world.pass()
  const begun = world.now
  expect(podsDueAt(world.state, world.observe())).toBe(begun + 5_000)
  world.now += 6_000
  expect(podsDueAt(world.state, world.observe())).toBe(world.now)
  const { next, wakeAt } = decide(world.state, { ...world.observe(), crash: undefined })
  expect([next, wakeAt]).toEqual([world.state, world.now + 5_000])
  const crash = { message: 'container web ended with code 3 and was restarted 2 times' }
  const ended = decide(world.state, { ...world.observe(), crash }).next.run?.progress.ending
  expect(ended).toMatchObject({
    outcome: 'Failed',
    cause: { reason: 'CanaryNotReady', message: `every pod of web:v2 (v2) crashes: ${crash.message}` },
  })
})

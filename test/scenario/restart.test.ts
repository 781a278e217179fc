import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deploymentKind } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { type ReleasedApp, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

describe.skipIf(isKubectlMissing('restarts of the local platform'))('sluice local', () => {
  let platform: SluiceLocal
  let app: ReleasedApp

  beforeAll(async () => {
    platform = await startSluiceLocal()
    // Killed with the platform, the new version's pods do fail requests: that would be the guard's story.
    app = await startApp(platform, { namespace: 'shop', analysis: { guard: { enabled: false } } })
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  const noneLeft = (but: number | undefined) =>
    eventually(() => expect(platform.processes().filter(({ pid }) => pid !== but)).toEqual([]), {
      what: 'no process of the platform is left',
    })

  const identities = async () => {
    const canary = await app.canary()
    const { items } = await platform.client.list(deploymentKind, { namespace: 'shop' })
    return [canary, ...items].map(({ metadata }) => [metadata.name, metadata.uid])
  }

  test('killed by kill -9 in the middle of a release, leaves no process and goes on when it is started again', async () => {
    const before = await identities()
    await app.setImage('2.0.0')
    await app.until('it mirrors', ({ status }) => status?.mirrorWeight === 100)
    // Controller, mesh, Prometheus, and a program with its sidecar for each of three pods.
    expect(platform.processes().length).toBeGreaterThanOrEqual(10)
    const wait = platform.startSluice('wait', 'web', '-n', 'shop')
    const waited = once(wait, 'exit')
    await once(createInterface(wait.stdout ?? expect.unreachable()), 'line')
    process.kill(platform.process.pid, 'SIGKILL')
    await noneLeft(wait.pid)
    await platform.restart()
    expect(await identities()).toEqual(before)
    const { run } = await app.ended('2.0.0')
    expect([run.metadata.name, run.status?.phase], run.status?.message).toEqual(['web-1', 'Succeeded'])
    // Whoever waited for the release has waited through the outage.
    expect(await waited).toEqual([0, null])
    await eventually(async () => expect((await app.counts()).counts['2.0.0']?.requests).toBeGreaterThan(20), {
      within: 30_000,
      what: 'users have the new version',
    })
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends in order by %s and keeps its objects',
    async (signal) => {
      const before = await identities()
      process.kill(platform.process.pid, signal)
      expect(await platform.process.exited).toEqual({ code: 0, signal: null })
      expect(platform.processes()).toEqual([])
      await platform.restart()
      expect(await identities()).toEqual(before)
      expect((await app.canary()).status?.phase).toBe('Succeeded')
      await eventually(async () => expect((await app.counts()).counts['2.0.0']?.requests).toBeGreaterThan(0), {
        within: 30_000,
        what: 'users are served again',
      })
    },
    240_000,
  )
})

import { expect, test } from 'vitest'
import { canaryKind, canaryRunKind, gatesAnnotation, parseGates } from '../../src/api/index.ts'
import { setGate } from '../../src/cli/commands/set-gate.ts'
import type { KubeClient } from '../../src/kube/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { createMemoryApi } from '../support/memory-api.ts'

const ref = { namespace: 'default', name: 'web' }

/** A release that waits for its promotion, and a controller that writes whenever somebody has just read. */
async function createWaitingRelease(interruptions: number) {
  const api = createMemoryApi(() => 0)
  const controller = api.client('controller')
  await controller.create(canaryKind, buildCanary())
  const write = (lastTransitionTime: string) =>
    controller.patch(
      canaryKind,
      ref,
      { status: { phase: 'WaitingPromotion', lastAppliedSpec: 'v2', lastTransitionTime } },
      { type: 'merge', subresource: 'status' },
    )
  await write('2026-01-01T00:00:00Z')
  let left = interruptions
  const user = api.client('user')
  const client: KubeClient = {
    ...user,
    async patch(...given) {
      if (left-- > 0) await write(`2026-01-01T00:01:${10 + left}Z`)
      return user.patch(...given)
    },
  }
  return { client, gates: () => parseGates(api.get(canaryKind, 'web').metadata.annotations?.[gatesAnnotation], 'v2') }
}

test('a gate opens though the controller writes at the same time', async () => {
  const { client, gates } = await createWaitingRelease(2)
  expect(await setGate(client, ref, 'open')).toBe('canary default/web: confirm-promotion is open for v2')
  expect(gates()).toEqual({ 'confirm-promotion': 'open' })
})

test('one that can never be written is an error, not an endless try', async () => {
  const { client, gates } = await createWaitingRelease(40)
  await expect(setGate(client, ref, 'open')).rejects.toThrow('Conflict')
  expect(gates()).toEqual({})
})

/** A release that waits before it begins, with what its run has recorded. */
async function createHeldRelease(reason: string, message: string) {
  const api = createMemoryApi(() => 0)
  const client = api.client('user')
  await client.create(canaryKind, buildCanary())
  await client.create(canaryRunKind, {
    apiVersion: 'sluice.dev/v1',
    kind: 'CanaryRun',
    metadata: { name: 'web-1', namespace: 'default' },
    spec: { canary: 'web', revision: 'v2', images: [], startedAt: '2026-01-01T00:00:00Z' },
  })
  const since = '2026-01-01T00:00:00Z'
  const progress = { phase: 'Waiting', since, reason, message, stepIndex: -1, failedChecks: 0, iterations: 0 }
  const options = { type: 'merge', subresource: 'status' } as const
  const released = { status: { phase: 'Waiting', lastAppliedSpec: 'v2', runName: 'web-1' } }
  await client.patch(canaryKind, ref, released, options)
  const status = { phase: 'Running', reason, message, steps: [], progress }
  await client.patch(canaryRunKind, { namespace: 'default', name: 'web-1' }, { status }, options)
  return { client, annotations: () => api.get(canaryKind, 'web').metadata.annotations }
}

test('of a release that waits at confirm-rollout, that gate opens', async () => {
  const { client } = await createHeldRelease('WaitingForRollout', 'waiting for confirmation: gate answered 403')
  expect(await setGate(client, ref, 'open')).toBe('canary default/web: confirm-rollout is open for v2')
})

test.each([
  ['WaitingForDependencies', 'waiting for cart (its release is in progress)'],
  ['WaitingForTurn', 'waiting for its turn: at most one release is in progress at a time in namespace default'],
  ['DependencyNotFound', 'spec.dependsOn names cart, and there is no such Canary in namespace default'],
])('of a release that waits for others no gate opens, and the answer says for whom: %s', async (reason, message) => {
  const { client, annotations } = await createHeldRelease(reason, message)
  await expect(setGate(client, ref, 'open')).rejects.toThrow(
    `canary default/web does not wait at a gate (${message}): name one with --gate`,
  )
  expect(annotations()).toEqual({})
  expect(await setGate(client, ref, 'open', 'confirm-rollout')).toBe(
    'canary default/web: confirm-rollout is open for v2',
  )
})

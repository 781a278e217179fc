import { expect, test } from 'vitest'
import { canaryKind, gatesAnnotation, parseGates } from '../../src/api/index.ts'
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

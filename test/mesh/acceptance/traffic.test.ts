import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { VirtualService } from '../../../src/api/index.ts'
import {
  type AcceptanceWorld,
  readAcceptance,
  startAcceptanceWorld,
  versionsOf,
} from '../../support/acceptance-world.ts'
import { sendMany } from '../../support/mesh-world.ts'

let world: AcceptanceWorld
beforeAll(async () => {
  world = await startAcceptanceWorld()
}, 120_000)
afterEach(() => world?.reset())
afterAll(() => world?.stop())

/** Four standard deviations either side: one run in 16,000 falls outside. */
function expectShare(count: number, total: number, share: number): void {
  const deviation = Math.sqrt(total * share * (1 - share))
  expect(Math.abs(count - total * share)).toBeLessThanOrEqual(4 * deviation)
}

/** How many of the answers came from v2; every answer is from v1 or v2. */
function countV2(answers: ReadonlyMap<string, number>): number {
  expect([...answers.keys()].filter((key) => !/^v[12]/.test(key))).toEqual([])
  return answers.get('v2') ?? 0
}

describe('canary by a header', () => {
  const rows = [
    ['S00-1-canary-by-user-agent', 'user-agent', 'Some (Mobile; rv:1) Browser', 'some (mobile) browser'],
    ['S04-1-canary-by-end-user', 'end-user', 'test-user', 'test-user-2'],
  ] as const
  test.each(rows)('%s: who matches goes to v2, all others are split 90/10', async (file, header, picked, other) => {
    await world.placeRule(versionsOf('reviews'))
    await world.placeRoutes(await readAcceptance<VirtualService>(file))
    const ask = (headers: Record<string, string>) => sendMany(world.urls.reviews, 2_000, headers)
    expect(countV2(await ask({ [header]: picked }))).toBe(2_000)
    expectShare(countV2(await ask({ [header]: other })), 2_000, 0.1)
  })
})

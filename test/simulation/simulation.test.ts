import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.ts'

/** A quarter of the seeds each, so that a run shows how far it is. */
const SEEDS = 2_000
const CALM_SEEDS = 40
const parts = [0, 1, 2, 3].map((part) => (part * SEEDS) / 4)

describe('releases whose API, network, clocks, pods and controllers fail', () => {
  test.each(parts)(
    'keep every promise, seeds from %d on',
    async (first) => {
      for (let seed = first; seed < first + SEEDS / 4; seed++) {
        const { violations, trace } = await simulate(seed)
        const replay = `npm run test:simulation -- --seed ${seed}`
        expect(violations, `${replay}\n${trace.join('\n')}`).toEqual([])
      }
    },
    1_200_000,
  )

  /** 11033: the answer of the write that recorded the first version was lost, and the image changed. */
  test.each([11_033])('keep every promise in a life that broke one once: seed %d', async (seed) => {
    expect((await simulate(seed)).violations).toEqual([])
  })

  test('wait for nothing that does not wake them', async () => {
    for (let seed = 0; seed < CALM_SEEDS; seed++) {
      const { violations, trace } = await simulate(seed, { isCalm: true })
      expect(violations, `npm run test:simulation -- --calm --seed ${seed}\n${trace.join('\n')}`).toEqual([])
    }
  })

  test('a seed tells one story', async () => {
    expect(await simulate(4)).toEqual(await simulate(4))
  })
})

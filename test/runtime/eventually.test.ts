import { expect, test } from 'vitest'
import { eventually, patience } from '../support/eventually.ts'

test('returns the first value that is neither an error nor false', async () => {
  const looks = [new Error('early'), false, 'there']
  const seen = await eventually(
    () => {
      const look = looks.shift()
      if (look instanceof Error) throw look
      return look
    },
    { every: 1 },
  )
  expect(seen).toBe('there')
})

test('an assertion that passes is seen though it returns nothing', async () => {
  let looks = 0
  await eventually(() => expect(++looks).toBe(3), { every: 1 })
  expect(looks).toBe(3)
})

test('the error after the deadline says what was seen last', async () => {
  const never = eventually(() => expect('red').toBe('green'), { within: 20, every: 1, what: 'the light' })
  await expect(never).rejects.toThrow(/^the light: not seen within 20 ms; last: expected 'red' to be 'green'/)
})

test('a look that ends after the deadline is not the last one', async () => {
  let looks = 0
  const seen = await eventually(
    async () => {
      looks += 1
      if (looks === 1) await new Promise((resolve) => setTimeout(resolve, 20))
      return looks === 2
    },
    { within: 5, every: 1 },
  )
  expect([seen, looks]).toEqual([true, 2])
})

test.each([
  [undefined, 2, 1],
  [0.4, 2, 1],
  [2, 2, 1],
  [9, 2, 4.5],
  [40, 2, 6],
])('at a load of %s on %d processors a wait may take %d times as long', (load, processors, times) => {
  expect(patience(load, processors)).toBe(times)
})

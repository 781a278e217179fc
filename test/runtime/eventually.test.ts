import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'

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

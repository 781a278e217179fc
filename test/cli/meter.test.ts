import { expect, test } from 'vitest'
import { renderShares } from '../../src/cli/demo/meter.ts'

test('the live line says who answered and how many failed', () => {
  const counts = {
    '1.0.0': { requests: 80, errors: 0 },
    '2.0.0': { requests: 20, errors: 3 },
    '3.0.0': { requests: 0, errors: 0 },
  }
  expect(renderShares(counts)).toBe('users: 1.0.0 80%, 2.0.0 20%, 3 errors')
})

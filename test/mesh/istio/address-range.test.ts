import { expect, test } from 'vitest'
import { isInRange } from '../../../src/mesh/istio/address-range.ts'

test.each([
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.4', false],
  ['10.1.2.130', '10.1.2.128/25', true],
  ['10.1.2.127', '10.1.2.128/25', false],
  ['10.1.2.3', '0.0.0.0/0', true],
  ['fd00::1:2', 'fd00::/16', true],
  ['fd01::1', 'fd00::/16', false],
  ['::1', '0:0:0:0:0:0:0:1', true],
  ['10.1.2.3', '::/0', false],
  ['nowhere', '0.0.0.0/0', false],
])('%s in %s: %s', (address, range, expected) => {
  expect(isInRange(address, range)).toBe(expected)
})

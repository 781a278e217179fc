import { expect, test } from 'vitest'
import { describeChange, describeVersion } from '../../src/api/index.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

test.each([
  [['shop:1.5.0'], 'shop:1.5.0 (v1-3f2a)'],
  [['registry.example.com:5000/team/shop:1.5.0'], 'shop:1.5.0 (v1-3f2a)'],
  [['shop:1.5.0', 'team/proxy:2'], 'shop:1.5.0, proxy:2 (v1-3f2a)'],
  [[`team/shop@${digest}`], 'shop@sha256:0123456789ab (v1-3f2a)'],
  [[`team/shop:1.5.0@${digest}`], 'shop:1.5.0@sha256:0123456789ab (v1-3f2a)'],
  [[], 'v1-3f2a'],
])('a version of %j', (images, expected) => {
  expect(describeVersion({ images, revision: 'v1-3f2a' })).toBe(expected)
})

test.each([
  ['another image', ['team/shop:1.4.2'], ['team/shop:1.5.0'], 'shop:1.4.2 -> shop:1.5.0 (v1-3f2a)'],
  ['one of several images', ['shop:1', 'proxy:2'], ['shop:1', 'proxy:3'], 'proxy:2 -> proxy:3 (v1-3f2a)'],
  ['another configuration only', ['shop:1'], ['shop:1'], 'shop:1 (v1-3f2a)'],
  ['a container more', ['shop:1'], ['shop:1', 'proxy:3'], 'shop:1, proxy:3 (v1-3f2a)'],
  ['nothing known of before', undefined, ['shop:1'], 'shop:1 (v1-3f2a)'],
])('a change of %s', (_, before, images, expected) => {
  expect(describeChange(before, { images, revision: 'v1-3f2a' })).toBe(expected)
})

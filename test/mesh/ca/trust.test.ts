import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Authority, bundleOf, firstTrust, settleTrust, type Trust } from '../../../src/mesh/ca/index.ts'

const authorityOf = (root: string): Authority => ({
  root,
  certificate: root,
  notBeforeMs: 0,
  notAfterMs: 1e15,
  rootNotAfterMs: 1e15,
  issue: () => Promise.reject(new Error('not asked here')),
})
const [a, b, c] = ['a', 'b', 'c'].map(authorityOf) as [Authority, Authority, Authority]
const facts = { now: 1_000, isKnownEverywhere: false, waitAtMostMs: 60, leafLifetimeMs: 500 }

describe('settleTrust', () => {
  const start = firstTrust(a, [])

  test('a new root counts first, issues once it is known everywhere, and the old one goes with its last leaf', () => {
    const counted = settleTrust(start, { ...facts, wanted: b })
    expect([counted.issuing.root, bundleOf(counted)]).toEqual(['a', 'ab'])
    expect(settleTrust(counted, { ...facts, now: 1_059, wanted: b })).toEqual(counted)
    const issuing = settleTrust(counted, { ...facts, now: 1_010, wanted: b, isKnownEverywhere: true })
    expect([issuing.issuing.root, bundleOf(issuing)]).toEqual(['b', 'ab'])
    expect(bundleOf(settleTrust(issuing, { ...facts, now: 1_509, wanted: b }))).toBe('ab')
    expect(bundleOf(settleTrust(issuing, { ...facts, now: 1_510, wanted: b }))).toBe('b')
  })

  test('a proxy that does not answer holds it up only so long', () => {
    const counted = settleTrust(start, { ...facts, wanted: b })
    expect(settleTrust(counted, { ...facts, now: 1_060, wanted: b }).issuing.root).toBe('b')
  })

  test('another intermediate of the same root issues at once', () => {
    const renewed = authorityOf('a')
    expect(settleTrust(start, { ...facts, wanted: renewed }).issuing).toBe(renewed)
  })

  test('going back before anything was issued forgets the new root', () => {
    const counted = settleTrust(start, { ...facts, wanted: b })
    expect(bundleOf(settleTrust(counted, { ...facts, wanted: a }))).toBe('a')
  })

  test('whatever happens, the roots of all leaves that are still valid count', () => {
    const step = fc.record({ wanted: fc.constantFrom(a, b, c), passes: fc.nat(400), isKnownEverywhere: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let [trust, now]: [Trust, number] = [start, 1_000]
        const validUntil = new Map<string, number>([['a', now + facts.leafLifetimeMs]])
        for (const { wanted, passes, isKnownEverywhere } of steps) {
          now += passes
          trust = settleTrust(trust, { ...facts, wanted, now, isKnownEverywhere })
          validUntil.set(trust.issuing.root, now + facts.leafLifetimeMs)
          const needed = [...validUntil].filter(([, until]) => until > now).map(([root]) => root)
          expect(bundleOf(trust)).toMatch(new RegExp(needed.toSorted().join('.*')))
        }
      }),
    )
  })
})

import { describe, expect, test } from 'vitest'
import { abortAnnotation, promoteAnnotation } from '../../src/api/index.ts'
import { type Neighbour, neighbourOf, questionsFor } from '../../src/canary/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { ReleaseGroup } from '../support/release-group.ts'

const standing = (group: ReleaseGroup, name: string) => {
  const { phase, cause, stalled } = group.world(name).state
  return [phase, (stalled ?? cause).reason, (stalled ?? cause).message]
}
const phases = (group: ReleaseGroup) =>
  Object.fromEntries([...group.worlds].map(([name, { state }]) => [name, state.phase]))
const reasons = (group: ReleaseGroup, name: string) => group.world(name).notes.map(({ reason }) => reason)

describe('a Canary that depends on others', () => {
  test('waits while a release of one is in progress, says for whom, and begins when it is promoted', () => {
    const group = new ReleaseGroup([{ name: 'cart' }, { name: 'shop', dependsOn: ['cart'] }])
    group.world('shop').release('v2')
    group.world('cart').release('v2')
    group.turn()
    group.turn()
    expect(standing(group, 'shop')).toEqual([
      'Waiting',
      'WaitingForDependencies',
      'waiting for cart (its release is in progress)',
    ])
    expect(group.world('shop').target?.replicas).toBe(0)
    const began: string[] = []
    group.settle(() => {
      if (group.inProgress.includes('shop') && began.length === 0) began.push(group.world('cart').state.phase)
    })
    expect([began, phases(group)]).toEqual([['Succeeded'], { cart: 'Succeeded', shop: 'Succeeded' }])
    expect(reasons(group, 'shop').slice(0, 4)).toEqual([
      'NewRevision',
      'WaitingForDependencies',
      'Progressing',
      'WeightChanged',
    ])
  })

  test('what is applied a moment later is waited for, too', () => {
    const group = new ReleaseGroup([{ name: 'cart' }, { name: 'shop', dependsOn: ['cart'] }])
    group.world('shop').release('v2')
    group.turn()
    group.turn()
    expect(standing(group, 'shop')).toEqual(['Waiting', 'WaitingForDependencies', 'looking whether cart changes too'])
    group.wait(4_999)
    group.world('cart').release('v2')
    group.turn()
    group.wait(1)
    group.turn()
    expect(standing(group, 'shop')[2]).toBe('waiting for cart (its release is in progress)')
  })

  test('begins after that moment, and wakes for it', () => {
    const group = new ReleaseGroup([{ name: 'cart' }, { name: 'shop', dependsOn: ['cart'] }])
    const shop = group.world('shop')
    shop.release('v2')
    const { now } = shop
    group.turn()
    expect(shop.pass().wakeAt).toBe(now + 5_000)
    group.wait(5_000)
    group.turn()
    expect(shop.state.phase).toBe('Progressing')
  })

  test('a dependency that failed is waited for until it is promoted or set back', () => {
    const group = new ReleaseGroup([{ name: 'cart' }, { name: 'shop', dependsOn: ['cart'] }])
    const [cart, shop] = [group.world('cart'), group.world('shop')]
    cart.release('v2')
    group.settle(() => {
      cart.verdict = 'failed'
    }, 20)
    expect(cart.state.phase).toBe('Failed')
    shop.release('v2')
    group.settle(undefined, 5)
    expect(standing(group, 'shop')[2]).toBe('waiting for cart (its last release failed)')
    const written = shop.snapshot()
    group.settle(undefined, 5)
    expect(shop.snapshot()).toBe(written)
    cart.release('v1')
    group.settle()
    expect(phases(group)).toEqual({ cart: 'Initialized', shop: 'Succeeded' })
  })

  test('one that is missing stalls it with its name, at once, and it goes on when that is there', () => {
    const group = new ReleaseGroup([{ name: 'shop', dependsOn: ['cart'] }])
    const shop = group.world('shop')
    group.turn()
    const message =
      'spec.dependsOn names cart, and there is no such Canary in namespace default: create it or take the name out'
    expect(standing(group, 'shop')).toEqual(['Initialized', 'DependencyNotFound', message])
    shop.release('v2')
    group.settle(undefined, 5)
    expect(standing(group, 'shop')).toEqual(['Waiting', 'DependencyNotFound', message])
    expect(shop.canary.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toContain('Stalled=True')
    const other = new ReleaseGroup([{ name: 'cart' }]).world('cart')
    group.worlds.set('cart', other)
    group.settle()
    expect(phases(group)).toEqual({ shop: 'Succeeded', cart: 'Initialized' })
    expect(shop.canary.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toContain('Stalled=False')
  })

  test.each([
    [{ shop: ['shop'] }, 'shop -> shop'],
    [{ shop: ['cart'], cart: ['shop'] }, 'shop -> cart -> shop'],
    [{ shop: ['cart', 'user'], cart: ['stock'], stock: ['shop'], user: [] }, 'shop -> cart -> stock -> shop'],
  ])('a cycle stalls it, idle or not: %j', (edges, path) => {
    const group = new ReleaseGroup(Object.entries(edges).map(([name, dependsOn]) => ({ name, dependsOn })))
    const shop = group.world('shop')
    const message = `spec.dependsOn leads back here (${path}), so that none of them can begin: take one of these out`
    group.turn()
    expect(standing(group, 'shop')).toEqual(['Initialized', 'DependencyCycle', message])
    shop.release('v2')
    group.settle(undefined, 10)
    expect(standing(group, 'shop')).toEqual(['Waiting', 'DependencyCycle', message])
    expect(reasons(group, 'shop')).toEqual(['DependencyCycle', 'NewRevision', 'DependencyCycle'])
    shop.canary = { ...shop.canary, spec: { ...shop.canary.spec, dependsOn: [] } }
    group.settle()
    expect(shop.state.phase).toBe('Succeeded')
  })

  test('who only leads to a cycle waits, and is not part of it', () => {
    const group = new ReleaseGroup([
      { name: 'shop', dependsOn: ['a'] },
      { name: 'a', dependsOn: ['b'] },
      { name: 'b', dependsOn: ['a'] },
    ])
    group.world('a').release('v2')
    group.world('shop').release('v2')
    group.settle(undefined, 10)
    expect(standing(group, 'shop')[2]).toBe('waiting for a (its release waits to begin)')
    expect(standing(group, 'a')[1]).toBe('DependencyCycle')
  })

  test('a release that has begun goes on, whatever it depends on does then', () => {
    const group = new ReleaseGroup([{ name: 'cart' }, { name: 'shop', dependsOn: ['cart'] }])
    const shop = group.world('shop')
    shop.release('v2')
    group.settle(undefined, 2)
    expect(shop.state.phase).toBe('Progressing')
    group.worlds.delete('cart')
    group.settle()
    expect([shop.state.phase, shop.state.stalled?.reason]).toEqual(['Succeeded', 'DependencyNotFound'])
  })

  test('while it waits it can be aborted, replaced, set back, and promoted by hand', () => {
    const waiting = () => {
      const group = new ReleaseGroup([
        { name: 'cart', dependsOn: [] },
        { name: 'shop', dependsOn: ['cart'] },
      ])
      group.world('cart').verdict = 'no-data'
      group.world('cart').release('v2')
      group.world('shop').release('v2')
      group.settle(undefined, 3)
      expect(standing(group, 'shop')[1]).toBe('WaitingForDependencies')
      return { group, shop: group.world('shop') }
    }
    const aborted = waiting()
    aborted.shop.annotate(abortAnnotation, 'v2')
    aborted.group.settle(undefined, 3)
    expect(standing(aborted.group, 'shop').slice(0, 2)).toEqual(['Failed', 'Aborted'])
    const replaced = waiting()
    replaced.shop.release('v3')
    replaced.group.settle(undefined, 3)
    expect([replaced.shop.state.run?.revision, standing(replaced.group, 'shop')[1]]).toEqual([
      'v3',
      'WaitingForDependencies',
    ])
    const setBack = waiting()
    setBack.shop.release('v1')
    setBack.group.settle(undefined, 3)
    expect(standing(setBack.group, 'shop').slice(0, 2)).toEqual(['Initialized', 'Reverted'])
    const promoted = waiting()
    promoted.shop.annotate(promoteAnnotation, 'v2')
    promoted.group.settle(undefined, 20)
    expect(promoted.shop.state.phase).toBe('Succeeded')
  })

  test('who goes back to a version that was promoted lately does not wait', () => {
    const group = new ReleaseGroup([
      { name: 'cart' },
      { name: 'shop', dependsOn: ['cart'], spec: { rollbackWindow: '24h' } },
    ])
    const shop = group.world('shop')
    for (const revision of ['v2', 'v3']) {
      shop.release(revision)
      group.settle()
    }
    group.world('cart').verdict = 'no-data'
    group.world('cart').release('v2')
    group.settle(undefined, 3)
    shop.release('v2')
    group.settle(undefined, 10)
    expect([phases(group), shop.state.run?.progress.returning]).toEqual([
      { cart: 'Progressing', shop: 'Succeeded' },
      true,
    ])
  })
})

describe('a limit of releases in progress', () => {
  const names = ['a', 'b', 'c', 'd']

  test('they begin in the order in which they were detected, each when another has ended', () => {
    const group = new ReleaseGroup(
      names.map((name) => ({ name })),
      1,
    )
    const began: string[] = []
    for (const name of ['c', 'a', 'd', 'b']) {
      group.world(name).release('v2')
      group.wait(1_000)
      group.world(name).pass()
    }
    group.settle(() => {
      expect(group.inProgress.length).toBeLessThanOrEqual(1)
      for (const name of group.inProgress) if (!began.includes(name)) began.push(name)
    })
    expect(began).toEqual(['c', 'a', 'd', 'b'])
    expect(phases(group)).toEqual({ a: 'Succeeded', b: 'Succeeded', c: 'Succeeded', d: 'Succeeded' })
  })

  test('it says so once, and waits without a word, a question or an appointment', () => {
    const group = new ReleaseGroup([{ name: 'a' }, { name: 'b', spec: { progressDeadlineSeconds: 86_400 } }], 1)
    group.world('a').verdict = 'no-data'
    const b = group.world('b')
    group.world('a').release('v2')
    group.turn()
    b.release('v2')
    group.settle(undefined, 5)
    expect(standing(group, 'b')).toEqual([
      'Waiting',
      'WaitingForTurn',
      'waiting for its turn: at most one release is in progress at a time in namespace default',
    ])
    expect(reasons(group, 'b')).toEqual(['NewRevision', 'WaitingForTurn'])
    const before = b.snapshot()
    const decision = b.pass()
    expect([b.snapshot() === before, decision.actions, questionsFor(b.state, b.observe())]).toEqual([true, [], []])
    expect(decision.wakeAt).toBe(b.state.since + 86_400_000)
  })

  test('a newer revision keeps the place of the one it replaces, also over a restart', () => {
    const group = new ReleaseGroup(
      names.map((name) => ({ name })),
      1,
    )
    group.world('a').verdict = 'no-data'
    for (const name of ['a', 'b', 'c']) {
      group.world(name).release('v2')
      group.wait(1_000)
      group.turn()
    }
    group.turn()
    const place = group.world('b').state.since
    group.world('b').release('v3')
    group.turn()
    group.turn()
    expect([group.world('b').state.run?.revision, group.world('b').state.since]).toEqual(['v3', place])
    group.world('a').annotate(abortAnnotation, 'v2')
    group.settle(undefined, 4)
    expect(group.inProgress).toEqual(['b'])
  })

  test.each<[string, (group: ReleaseGroup) => void]>([
    ['is suspended', (group) => suspend(group, 'b')],
    ['is deleted', (group) => group.world('b').delete()],
    [
      'is stalled',
      (group) => {
        group.world('b').refusal = { reason: 'TargetClaimed', message: 'of another' }
      },
    ],
    [
      'stands at a closed gate',
      (group) => {
        group.world('b').gates = { 'confirm-rollout': false }
      },
    ],
    [
      'waits for what it depends on',
      (group) => {
        group.world('b').canary = {
          ...group.world('b').canary,
          spec: { ...group.world('b').canary.spec, dependsOn: [{ name: 'z' }] },
        }
      },
    ],
  ])('one that %s lets the next one by', (_, hinder) => {
    const webhooks = [{ name: 'gate', type: 'confirm-rollout', url: 'http://gate/' }]
    const group = new ReleaseGroup([{ name: 'a' }, { name: 'b', analysis: { webhooks } }, { name: 'c' }], 1)
    group.world('a').verdict = 'no-data'
    for (const name of ['a', 'b', 'c']) {
      group.world(name).release('v2')
      group.turn()
    }
    hinder(group)
    group.settle(undefined, 3)
    group.world('a').annotate(abortAnnotation, 'v2')
    group.settle(undefined, 30)
    expect([group.world('a').state.phase, group.world('c').state.phase]).toEqual(['Failed', 'Succeeded'])
  })

  test('a gate is asked when it is its turn, and what it said then is not kept for later', () => {
    const webhooks = [{ name: 'gate', type: 'confirm-rollout', url: 'http://gate/' }]
    const group = new ReleaseGroup([{ name: 'a' }, { name: 'b', analysis: { webhooks } }], 1)
    group.world('a').verdict = 'no-data'
    group.world('a').release('v2')
    group.turn()
    group.world('b').release('v2')
    group.settle(undefined, 3)
    const b = group.world('b')
    expect(questionsFor(b.state, b.observe())).toEqual([])
    group.world('a').annotate(abortAnnotation, 'v2')
    for (let count = 0; count < 5; count++) group.turn()
    expect([group.world('a').state.phase, b.state.phase]).toEqual(['Failed', 'Progressing'])
  })

  test('a fix of a failed promotion that left no ready pod asks its gate, and waits for nobody', () => {
    const webhooks = [{ name: 'gate', type: 'confirm-rollout', url: 'http://gate/' }]
    const group = new ReleaseGroup([{ name: 'a' }, { name: 'b', analysis: { webhooks } }])
    const [a, b] = [group.world('a'), group.world('b')]
    b.primary?.brokenRevisions.add('v2')
    b.release('v2')
    group.settle(undefined, 40)
    expect([b.state.phase, b.state.cause.reason]).toEqual(['Failed', 'PromotionFailed'])
    b.losePods('primary')
    group.limit = 1
    a.verdict = 'no-data'
    a.release('v2')
    group.settle(undefined, 2)
    b.release('v3')
    for (let count = 0; count < 4; count++) group.turn()
    expect([group.inProgress, b.state.run?.progress.recovering]).toEqual([['a', 'b'], true])
  })

  test('without a limit nothing waits', () => {
    const group = new ReleaseGroup([{ name: 'a' }, { name: 'b' }])
    for (const name of ['a', 'b']) group.world(name).release('v2')
    group.turn()
    expect(group.inProgress).toEqual(['a', 'b'])
  })
})

function suspend(group: ReleaseGroup, name: string): void {
  const world = group.world(name)
  world.canary = { ...world.canary, spec: { ...world.canary.spec, suspend: true } }
}

describe('how a Canary stands for others', () => {
  const condition = (type: string, status: 'True' | 'False', reason: string) => ({
    type,
    status,
    reason,
    message: '',
    lastTransitionTime: '',
  })
  const since = '2026-01-01T00:00:00.000Z'
  const revisions = { lastAppliedSpec: 'v2', lastPromotedSpec: 'v2' }
  const waiting = (reason: string) => ({
    phase: 'Waiting' as const,
    lastTransitionTime: since,
    conditions: [condition('Ready', 'False', reason)],
  })

  test.each<[Neighbour['standing'], Parameters<typeof buildCanary>[0]]>([
    ['initializing', {}],
    ['initializing', { status: { phase: 'Initializing' } }],
    ['promoted', { status: { phase: 'Initialized', ...revisions } }],
    ['promoted', { status: { phase: 'Succeeded', ...revisions } }],
    ['unpromoted', { status: { phase: 'Succeeded', lastAppliedSpec: 'v3', lastPromotedSpec: 'v2' } }],
    ['queued', { status: waiting('NewRevision') }],
    ['queued', { status: waiting('WaitingForTurn') }],
    ['held', { status: waiting('WaitingForDependencies') }],
    ['held', { status: waiting('WaitingForRollout') }],
    ['held', { status: waiting('WaitingForTurn'), spec: { suspend: true } }],
    ['held', { status: { ...waiting('WaitingForTurn'), suspendedAt: since } }],
    [
      'held',
      {
        status: {
          ...waiting('WaitingForTurn'),
          conditions: [condition('Ready', 'False', 'WaitingForTurn'), condition('Stalled', 'True', 'TargetClaimed')],
        },
      },
    ],
    ['running', { status: { phase: 'Progressing' } }],
    ['running', { status: { phase: 'WaitingPromotion' } }],
    ['running', { status: { phase: 'Promoting' } }],
    ['running', { status: { phase: 'Finalising' } }],
    ['failed', { status: { phase: 'Failed' } }],
    ['leaving', { status: { phase: 'Terminating' } }],
    ['leaving', { status: { phase: 'Succeeded', ...revisions }, metadata: { deletionTimestamp: since } }],
  ])('%s: %j', (expected, overrides) => {
    const canary = buildCanary({
      spec: { dependsOn: [{ name: 'cart' }], ...overrides?.spec },
      ...(overrides ? { ...overrides, spec: { dependsOn: [{ name: 'cart' }], ...overrides.spec } } : {}),
    })
    const waitingSince = expected === 'queued' ? { waitingSince: Date.parse(since) } : {}
    expect(neighbourOf(canary)).toEqual({ name: 'web', dependsOn: ['cart'], standing: expected, ...waitingSince })
  })

  test('a Canary of Flagger counts, and cannot be depended on', () => {
    const canary = { ...buildCanary(), apiVersion: 'flagger.app/v1beta1' }
    expect(neighbourOf(canary).dependsOn).toBeUndefined()
  })
})

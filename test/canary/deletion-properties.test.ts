import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Action } from '../../src/canary/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld, ReleaseWorld } from '../support/release-world.ts'

type Step =
  | { readonly kind: 'pass'; readonly dieAfter?: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'acknowledge' | 'move-endpoints' | 'roll-out' | 'delete-target' | 'delete-namespace' }
  | { readonly kind: 'lose-pods'; readonly side: 'target' | 'primary' }
  | { readonly kind: 'release'; readonly revision: string }
  | { readonly kind: 'scale'; readonly replicas: number }

const just = (kind: 'acknowledge' | 'move-endpoints' | 'roll-out' | 'delete-target' | 'delete-namespace') =>
  fc.constant<Step>({ kind })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Step>({ kind: 'pass' }) },
  { weight: 3, arbitrary: fc.nat(2).map((dieAfter): Step => ({ kind: 'pass', dieAfter })) },
  { weight: 4, arbitrary: just('acknowledge') },
  { weight: 4, arbitrary: just('move-endpoints') },
  { weight: 5, arbitrary: just('roll-out') },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 90 }).map((seconds): Step => ({ kind: 'wait', seconds })) },
  { weight: 2, arbitrary: fc.constantFrom('target', 'primary').map((side): Step => ({ kind: 'lose-pods', side })) },
  { weight: 1, arbitrary: fc.constantFrom('v1', 'v2').map((revision): Step => ({ kind: 'release', revision })) },
  { weight: 1, arbitrary: fc.nat(3).map((replicas): Step => ({ kind: 'scale', replicas })) },
)

/** The world answers: without it few sequences would come far. */
const answers: readonly Step[] = [
  { kind: 'roll-out' },
  { kind: 'pass' },
  { kind: 'acknowledge' },
  { kind: 'move-endpoints' },
]

const story: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      step.map((each) => [each]),
      fc.constant(answers),
    ),
    { maxLength: 25 },
  )
  .map((parts) => parts.flat())

/** What ends it at once comes late, or nothing else would be seen. */
const ending = fc.oneof(
  { weight: 4, arbitrary: fc.constant<readonly Step[]>([]) },
  { weight: 1, arbitrary: fc.constant<readonly Step[]>([{ kind: 'delete-target' }, { kind: 'pass' }]) },
  { weight: 1, arbitrary: fc.constant<readonly Step[]>([{ kind: 'delete-namespace' }, { kind: 'pass' }]) },
)

function play(world: ReleaseWorld, each: Step): void {
  switch (each.kind) {
    case 'pass':
      world.pass(each.dieAfter)
      break
    case 'wait':
      world.now += each.seconds * 1_000
      break
    case 'acknowledge':
      world.acknowledge()
      break
    case 'move-endpoints':
      world.moveEndpoints()
      break
    case 'roll-out':
      world.rollOutAll()
      break
    case 'delete-target':
      world.target = undefined
      break
    case 'delete-namespace':
      world.isNamespaceGoing = true
      break
    case 'lose-pods':
      world.losePods(each.side)
      break
    case 'release':
      world.release(each.revision)
      break
    case 'scale':
      if (world.target) world.target.replicas = each.replicas
      break
    default:
      each satisfies never
  }
}

/** Somewhere in a release: before the first version serves, between two, in any step of one, or right after its last. */
function begin(kind: Beginning, passes: number): ReleaseWorld {
  const canary = buildCanary()
  if (kind === 'new') return goOn(new ReleaseWorld(canary), passes)
  const world = initializedWorld(canary)
  if (kind === 'idle') return world
  if (kind === 'just promoted') return untilScaledDown(world)
  world.verdict = kind === 'failed' ? 'failed' : 'passed'
  world.release('v2')
  return goOn(world, passes)
}

function goOn(world: ReleaseWorld, passes: number): ReleaseWorld {
  for (let count = 0; count < passes; count++) {
    world.pass()
    world.answerWorld()
    world.now += 5_000
  }
  return world
}

/** The workload has given up its pods, and its own controller has not counted them since. */
function untilScaledDown(world: ReleaseWorld): ReleaseWorld {
  world.release('v2')
  while (world.state.run?.outcome !== 'Succeeded') {
    world.pass()
    if (world.target?.leaving === 0) world.answerWorld()
    world.now += 5_000
  }
  return world
}

const beginnings = ['new', 'idle', 'releasing', 'failed', 'just promoted'] as const
type Beginning = (typeof beginnings)[number]
const beginning = fc.constantFrom(...beginnings)

interface Seen {
  readonly before: ReturnType<ReleaseWorld['observe']>
  /** Which sides had ready pods, whatever was observed of them. */
  readonly wereUp: Readonly<Record<'target' | 'primary', boolean>>
  readonly isFirst: boolean
  readonly performed: readonly Action[]
  readonly world: ReleaseWorld
}

/** Deletes the Canary somewhere, and checks every step that follows against the world before it. */
function afterDeletion(check: (seen: Seen) => void, atEnd: (world: ReleaseWorld) => void = () => undefined): void {
  fc.assert(
    fc.property(beginning, fc.nat(30), story, ending, (kind, passes, steps, last) => {
      const world = begin(kind, passes)
      world.delete()
      for (const each of [...steps, ...last]) {
        if (world.isGone) return
        const [before, count] = [world.observe(), world.performed.length]
        const isFirst = world.state.phase !== 'Terminating'
        const wereUp = { target: world.isUp('target'), primary: world.isUp('primary') }
        play(world, each)
        check({ before, wereUp, isFirst, performed: world.performed.slice(count), world })
      }
      atEnd(world)
    }),
    { numRuns: 400 },
  )
}

/** Why it may go; undefined where it must not. */
function reasonToGo({ before, isFirst }: Seen): string | undefined {
  const { deletion, target, route } = before
  if (target === undefined || deletion === undefined) return 'the workload is gone'
  if (deletion.isNamespaceGoing) return 'the namespace goes'
  if (isFirst && target.replicas > 0 && deletion.apex !== 'held' && deletion.route === 'none') return 'never taken'
  const isRouted = deletion.route === 'none' || (deletion.route === 'released' && route.isProgrammed)
  const serves = target.isReady && deletion.apex !== 'held' && deletion.areEndpointsMoved && isRouted
  return serves ? 'the workload serves' : undefined
}

/** The sides to which an action leads users. */
function sidesOf(action: Action): readonly ('target' | 'primary')[] {
  if (action.kind === 'release-apex' || action.kind === 'release-route') return ['target']
  if (action.kind !== 'route') return []
  const { canary, primary } = action.traffic
  return [...(canary > 0 ? (['target'] as const) : []), ...(primary > 0 ? (['primary'] as const) : [])]
}

describe('over every deletion', () => {
  test('it goes only when the workload serves by itself, is gone, was never taken, or its namespace goes', () => {
    const reasons = new Set<string | undefined>()
    afterDeletion((seen) => {
      if (!seen.performed.some(({ kind }) => kind === 'remove-finalizer')) return
      reasons.add(reasonToGo(seen))
    })
    expect([...reasons].toSorted()).toEqual([
      'never taken',
      'the namespace goes',
      'the workload is gone',
      'the workload serves',
    ])
  })

  test('no user is led to a side without ready pods while the other has some', () => {
    afterDeletion(({ wereUp, performed }) => {
      const led = performed.flatMap(sidesOf)
      if (wereUp.target || wereUp.primary) expect(led.filter((side) => !wereUp[side])).toEqual([])
    })
  })

  test('no pod is taken away, no template written and nothing made but what leads users', () => {
    afterDeletion(({ performed, before }) => {
      const wanted = before.target?.replicas ?? 0
      for (const action of performed) {
        if (action.kind === 'scale-target') expect(action.replicas).toBeGreaterThan(wanted)
        expect(['create-primary', 'update-primary', 'create-run', 'delete-run', 'add-finalizer']).not.toContain(
          action.kind,
        )
      }
    })
  })

  test('it goes as soon as the world answers', () => {
    afterDeletion(
      () => undefined,
      (world) => {
        world.run(40)
        expect(world.isGone).toBe(true)
      },
    )
  })
})

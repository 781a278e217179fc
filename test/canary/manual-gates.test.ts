import { describe, expect, test } from 'vitest'
import { gatesAnnotation } from '../../src/api/index.ts'
import { questionsFor } from '../../src/canary/index.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { initializedWorld, type ReleaseWorld } from '../support/release-world.ts'

function releasedWorld(analysis: object = {}): ReleaseWorld {
  const world = initializedWorld(buildCanary({ analysis: { mirror: false, ...analysis } }))
  world.release('v2')
  return world
}

const standing = (world: ReleaseWorld) => [world.state.phase, world.route.traffic?.canary]
const set = (world: ReleaseWorld, words: string) => world.annotate(gatesAnnotation, words)

describe('gates set by hand', () => {
  test.each([
    ['confirm-rollout', ['Waiting', 0]],
    ['confirm-traffic-increase', ['Progressing', 0]],
    ['confirm-promotion', ['WaitingPromotion', 40]],
  ])('%s is closed until it is opened for this revision', (gate, expected) => {
    const world = releasedWorld({ manualGates: [gate] })
    world.run(80)
    expect(standing(world)).toEqual(expected)
    expect(world.state.cause.message).toBe(`waiting for confirmation: gate ${gate} is closed for web:v2 (v2)`)
    set(world, `v1 ${gate}=open`)
    world.run(20)
    expect(standing(world)).toEqual(expected)
    set(world, `v2 ${gate}=open`)
    expect(world.run()).toContain('Succeeded')
    expect(world.canary.metadata.annotations).toEqual({})
  })

  test('a gate that waits asks nobody, tells people once and writes nothing', () => {
    const world = releasedWorld({ manualGates: ['confirm-rollout'] })
    world.run(20)
    const before = world.snapshot()
    world.now += 60_000
    expect(questionsFor(world.state, world.observe())).toEqual([])
    world.pass()
    expect(world.snapshot()).toBe(before)
    expect(world.notes.map(({ reason }) => reason)).toEqual(['NewRevision', 'WaitingForRollout'])
  })

  test('a rise of the weight is approved one step at a time, or all at once', () => {
    const world = releasedWorld({ manualGates: ['confirm-traffic-increase'], stepWeight: 10 })
    world.run(20)
    set(world, 'v2 confirm-traffic-increase:0=open')
    world.run(80)
    expect(standing(world)).toEqual(['Progressing', 10])
    set(world, 'v2 confirm-traffic-increase=open confirm-traffic-increase:2=closed')
    world.run(80)
    expect(standing(world)).toEqual(['Progressing', 20])
    set(world, 'v2 confirm-traffic-increase=open')
    expect(world.run()).toContain('Succeeded')
    expect(world.weights).toEqual([10, 20, 30, 40, 0])
  })

  test('by hand goes before webhooks, both ways', () => {
    const webhooks = [{ name: 'end', type: 'confirm-promotion', url: 'http://gate/' }]
    const world = releasedWorld({ webhooks })
    world.run(3)
    set(world, 'v2 confirm-promotion=closed')
    world.run(80)
    expect(standing(world)).toEqual(['WaitingPromotion', 40])
    world.gates = { 'confirm-promotion': false }
    set(world, 'v2 confirm-promotion=open')
    expect(world.run()).toContain('Succeeded')
  })

  test('what was opened for a revision that failed is closed when it is tried again', () => {
    const world = releasedWorld({ manualGates: ['confirm-rollout'], threshold: 1 })
    world.run(10)
    set(world, 'v2 confirm-rollout=open')
    world.verdict = 'failed'
    world.run()
    expect(world.state.phase).toBe('Failed')
    world.release('v1')
    world.run()
    world.release('v2')
    world.run(20)
    expect(world.state.phase).toBe('Waiting')
  })

  test('a check that fails while a gate waits rolls back', () => {
    const world = releasedWorld({ manualGates: ['confirm-promotion'] })
    world.run(80)
    world.verdict = 'failed'
    world.run(80)
    expect(standing(world)).toEqual(['Failed', 0])
  })
})

import type { Canary } from '../../src/api/index.ts'
import { neighbourOf } from '../../src/canary/index.ts'
import { buildCanary } from './canary-objects.ts'
import { initializedWorld, type ReleaseWorld } from './release-world.ts'

export interface Member {
  readonly name: string
  readonly dependsOn?: readonly string[]
  readonly spec?: object
  readonly analysis?: object
}

/** Canaries of one namespace that know of each other: each serves its first version. */
export class ReleaseGroup {
  readonly worlds = new Map<string, ReleaseWorld>()
  limit: number | undefined

  constructor(members: readonly Member[], limit?: number) {
    this.limit = limit
    for (const { name, dependsOn = [], spec, analysis } of members) {
      const names = dependsOn.map((each) => ({ name: each }))
      const built = { analysis: { mirror: false, ...analysis }, spec: { dependsOn: names, ...spec } }
      const world = initializedWorld(buildCanary({ name, ...built }))
      world.group = () => ({ limit: this.limit, others: this.othersOf(world.canary) })
      this.worlds.set(name, world)
    }
  }

  world(name: string): ReleaseWorld {
    const world = this.worlds.get(name)
    if (world === undefined) throw new Error(`no ${name}`)
    return world
  }

  private othersOf({ metadata }: Canary) {
    const others = [...this.worlds.values()].map(({ canary }) => canary)
    return others.filter((canary) => canary.metadata.name !== metadata.name).map(neighbourOf)
  }

  get inProgress(): readonly string[] {
    const stepped = ['Progressing', 'WaitingPromotion', 'Promoting', 'Finalising']
    return [...this.worlds].filter(([, { state }]) => stepped.includes(state.phase)).map(([name]) => name)
  }

  /** Every Canary has its pass, then the world answers; `visit` looks after each pass. */
  turn(visit: () => void = () => undefined, order: readonly string[] = [...this.worlds.keys()]): void {
    for (const name of order) {
      const world = this.world(name)
      world.pass()
      world.answerWorld()
      visit()
    }
  }

  wait(milliseconds: number): void {
    for (const world of this.worlds.values()) world.now += milliseconds
  }

  /** Turns and time until everything was said. */
  settle(visit?: () => void, turns = 80): void {
    for (let count = 0; count < turns; count++) {
      this.turn(visit)
      this.turn(visit)
      this.wait(5_000)
    }
  }
}

import {
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  type KubernetesObject,
  type VirtualService,
} from '../../src/api/index.ts'
import type { MemoryApi } from '../support/memory-api.ts'
import type { SimulatedTime } from './simulated-time.ts'
import type { Versions } from './versions.ts'

/** The promises of a release, held against every write that the API took, from outside. */
export interface Invariants {
  /** A check of this image passed; it was asked for at that time. */
  passed(image: string, askedAt: number): void
  /** An operator let it through without evidence. */
  waved(image: string): void
  readonly violations: readonly string[]
  readonly trace: readonly string[]
  note(line: string): void
}

interface Share {
  readonly canary: number
  readonly mirror: number
}

interface Plan {
  readonly mirror: boolean
  readonly weights: readonly number[]
  /** Checks must pass before the first weight, though nothing is mirrored. */
  readonly isHidden: boolean
}

export function watchInvariants(api: MemoryApi, time: SimulatedTime, plan: Plan, versions: Versions): Invariants {
  const violations: string[] = []
  const trace: string[] = []
  const passes: { readonly image: string; readonly askedAt: number }[] = []
  const waved = new Set<string>()
  let share: Share = { canary: 0, mirror: 0 }
  /** Everything goes to the new version because the primary was down: the way back leads to the step's weight. */
  let isEmergency = false
  /** When the present share was published. */
  let sharedAt = 0
  /** What the workload was changed to since then. */
  let changedTo: readonly (string | undefined)[] = []
  let last = ''

  const note = (line: string): void => {
    trace.push(`${((time.now() - START) / 1_000).toFixed(3)} ${line}`)
  }
  const broken = (rule: string): void => {
    violations.push(rule)
    note(`VIOLATED: ${rule}`)
  }

  const look = (route: VirtualService): void => {
    const next = shareOf(route, broken)
    if (next === undefined || (next.canary === share.canary && next.mirror === share.mirror)) return
    const image = releasedImage(api)
    note(`route ${share.canary} -> ${next.canary}${next.mirror > 0 ? ` mirror ${next.mirror}` : ''} (${image})`)
    if (next.canary > share.canary) checkRaise(next, image)
    else checkFall(next)
    isEmergency = next.canary === 100 && (versions.isDown('web-primary') || isHeldOnReady(api, 100))
    share = next
    sharedAt = time.now()
    changedTo = []
  }

  const checkFall = ({ canary }: Share): void => {
    if (canary === 0 || canary === share.canary || isEmergency) return
    broken(`weight fell from ${share.canary} to ${canary}, not to 0`)
  }

  /** A version that passed every step lost its pods while it is promoted, and has them again. */
  const isTakenUpAgain = (canary: number): boolean =>
    canary === plan.weights.at(-1) && api.list(canaryKind)[0]?.status?.phase === 'Promoting'

  const checkRaise = (next: Share, image: string | undefined): void => {
    const { canary } = next
    const expected = plan.weights.find((weight) => weight > share.canary)
    if (canary === 100 && versions.isDown('web-primary')) return
    if (canary !== expected && !isHeldOnReady(api, canary) && !isTakenUpAgain(canary))
      broken(`weight rose from ${share.canary} to ${canary}, not to ${expected}`)
    const isFirst = share.canary === 0 && !plan.mirror && !plan.isHidden
    if (isFirst || image === undefined || waved.has(image) || isHeldOnReady(api, canary) || isTakenUpAgain(canary))
      return
    // Changes that no watch has told of yet are measured under the name of the version before.
    const images = [image, versions.of('web'), ...changedTo]
    const isProven = passes.some((each) => images.includes(each.image) && each.askedAt >= sharedAt)
    if (!isProven) broken(`weight rose from ${share.canary} to ${canary} without a passing check of ${image} since`)
  }

  const checkPrimary = (): void => {
    const image = versions.of('web-primary')
    if (image === undefined || image === last) return
    note(`primary is ${image}`)
    if (last !== '' && !waved.has(image) && !passes.some((each) => each.image === image)) {
      broken(`the primary became ${image}, of which no check passed`)
    }
    last = image
  }

  const checkPhase = (): void => {
    const [canary] = api.list(canaryKind)
    if (canary?.status?.phase !== 'Succeeded') return
    const run = currentRun(api)
    const primary = versions.of('web-primary')
    const released = run?.spec.images[0]
    if (primary !== undefined && released !== undefined && primary !== released) {
      broken(`the release of ${released} succeeded while the primary is ${primary}`)
    }
  }

  const lookAtWorkload = (name: string): void => {
    if (name === 'web-primary') checkPrimary()
    if (name === 'web') changedTo = [...changedTo, versions.of('web')]
  }

  const released = versions.isService ? 'services' : 'deployments'
  let phase = ''
  api.onWrite((plural, object: KubernetesObject) => {
    if (plural === 'virtualservices') look(object as VirtualService)
    if (plural === released) lookAtWorkload(object.metadata.name)
    if (plural !== 'canaries') return
    const { phase: current = '', conditions = [] } = api.list(canaryKind)[0]?.status ?? {}
    if (current !== phase) note(`phase ${current} (${releasedImage(api) ?? 'no run'}): ${conditions[0]?.message}`)
    phase = current
    checkPhase()
  })

  return {
    passed: (image, askedAt) => void passes.push({ image, askedAt }),
    waved: (image) => void waved.add(image),
    violations,
    trace,
    note,
  }
}

const START = Date.parse('2026-01-01T00:00:00Z')

/** Weights are integers from 0 to 100 and sum to 100, in every rule. */
function shareOf(route: VirtualService, broken: (rule: string) => void): Share | undefined {
  const rules = route.spec.http ?? []
  for (const { route: destinations = [] } of rules) {
    const weights = destinations.map(({ weight }) => weight ?? 100)
    const isWhole = weights.every((weight) => Number.isInteger(weight) && weight >= 0 && weight <= 100)
    const sum = weights.reduce((total, weight) => total + weight, 0)
    if (!isWhole || sum !== 100) broken(`weights ${weights.join(' and ')} do not sum to 100`)
  }
  const split = (rules.find(({ name }) => name === 'matched') ?? rules.at(-1))?.route ?? []
  const canary = split.find(({ destination }) => destination.host.startsWith('web-canary'))
  const mirror = rules.some((rule) => rule.mirror !== undefined) ? 100 : 0
  return { canary: canary === undefined ? 0 : (canary.weight ?? 100), mirror }
}

/** Of all controllers that there were. */
export const ownWrites = (api: MemoryApi) => api.writes.filter(({ by }) => by.startsWith('controller'))

export function currentRun(api: MemoryApi): CanaryRun | undefined {
  const [canary] = api.list(canaryKind)
  return api.list(canaryRunKind).find(({ metadata }) => metadata.name === canary?.status?.runName)
}

const releasedImage = (api: MemoryApi): string | undefined => currentRun(api)?.spec.images[0]

/** After a promotion that failed traffic is where ready pods are; a deleted Canary's goes to the workload. */
function isHeldOnReady(api: MemoryApi, weight: number): boolean {
  const phase = api.list(canaryKind)[0]?.status?.phase
  const phases: readonly (string | undefined)[] = ['Promoting', 'Finalising', 'Failed', 'Terminating']
  return weight === 100 && phases.includes(phase)
}

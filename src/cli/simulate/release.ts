import { type Check, createAnalyst } from '../../analysis/index.ts'
import type { Canary, Metric } from '../../api/index.ts'
import {
  type Action,
  type Answers,
  decide,
  hooksOf,
  type Observation,
  questionsFor,
  type ReleaseState,
  type RunFacts,
  restoreState,
  type Traffic,
  type WorkloadFacts,
} from '../../canary/index.ts'
import { subjectOf } from '../../controller/index.ts'
import { silentLogger, systemClock } from '../../runtime/index.ts'
import { seededRandom } from './random.ts'
import { createTraffic, type SimulatedTraffic, type TrafficModel } from './traffic.ts'

export interface SimulatedRelease {
  readonly outcome: 'promoted' | 'rolled-back' | 'held'
  readonly durationMs: number
  /** Live requests that the new version got, and those of them that failed. */
  readonly exposed: { readonly requests: number; readonly failed: number }
  readonly message: string
}

export interface SimulationInput {
  readonly canary: Canary
  readonly model: TrafficModel
  /** A release that has not ended by then counts as held. */
  readonly withinMs: number
}

const START_MS = Date.UTC(2026, 0, 1)
/** Pods, proxies and the controller react at once here; a second passes between two passes that do something. */
const PASS_MS = 1_000
const primaryOnly: Traffic = { primary: 100, canary: 0, mirror: 0 }

/** Plays one release by the state machine and the judge of the controller, over made-up traffic. */
export async function simulateRelease(input: SimulationInput, seed: number): Promise<SimulatedRelease> {
  const world = new SimulatedWorld(input, seed)
  await world.pass(({ phase }) => phase === 'Initialized', START_MS + 60_000)
  const startedAt = world.release()
  const endBy = startedAt + input.withinMs
  const state = await world.pass(({ run }) => run !== undefined && run.outcome !== 'Running', endBy)
  const outcomes = { Succeeded: 'promoted', Failed: 'rolled-back', Superseded: 'held', Running: 'held' } as const
  const { outcome = 'Running', cause = state.cause } = state.run ?? {}
  return {
    outcome: outcomes[outcome],
    durationMs: world.now - startedAt,
    exposed: world.traffic.exposed(),
    message: cause.message,
  }
}

class SimulatedWorld {
  now = START_MS
  readonly traffic: SimulatedTraffic
  readonly #canary: Canary
  readonly #analyst: ReturnType<typeof createAnalyst>
  #state: ReleaseState
  #target: WorkloadFacts = { revision: 'old', images: ['old'], replicas: 1, readyReplicas: 1, isReady: true }
  #primary: WorkloadFacts | undefined
  #services = { areBackendsReady: false, isApexReady: false }
  #shares: Traffic | undefined
  #programmedAt = START_MS
  #runs: readonly RunFacts[] = []

  constructor({ canary, model }: SimulationInput, seed: number) {
    this.#canary = canary
    this.#state = restoreState(canary, undefined)
    const { namespace, target, primary } = subjectOf(canary)
    const isTimed = simulatedMetrics(canary).some(({ name }) => name === 'request-duration')
    const names = { namespace, canary: target, primary, isTimed }
    this.traffic = createTraffic(model, names, START_MS, seededRandom(seed))
    this.#analyst = createAnalyst({
      clock: systemClock,
      log: silentLogger,
      metricsServer: async (query, atMs) => this.traffic.counters(query, atMs),
    })
  }

  release(): number {
    this.#target = { ...this.#target, revision: 'new', images: ['new'] }
    return this.now
  }

  /** Passes of the controller until the release is as wanted, or time is over, or nothing will ever happen again. */
  async pass(isDone: (state: ReleaseState) => boolean, endBy: number): Promise<ReleaseState> {
    while (this.now < endBy) {
      const facts = this.#observe()
      const answers = await this.#answer(facts)
      const { next, actions, wakeAt } = decide(this.#state, { ...facts, answers })
      const isQuiet = actions.length === 0 && next.phase === this.#state.phase
      this.#state = next
      for (const action of actions) this.#perform(action)
      if (isDone(next)) return next
      if (isQuiet && wakeAt === undefined) return this.#advance(endBy)
      this.#advance(isQuiet ? Math.min(endBy, Math.max(this.now + 1, wakeAt ?? 0)) : this.now + PASS_MS)
    }
    return this.#state
  }

  #advance(milliseconds: number): ReleaseState {
    this.now = milliseconds
    this.traffic.advanceTo(this.now, this.#shares ?? primaryOnly)
    return this.#state
  }

  #observe(): Omit<Observation, 'answers'> {
    const route = { traffic: this.#shares, isCurrent: true, isProgrammed: true, programmedAt: this.#programmedAt }
    return {
      now: this.now,
      canary: this.#canary,
      target: this.#target,
      primary: this.#primary,
      services: this.#services,
      route,
      runs: this.#runs,
    }
  }

  /** Webhooks say yes at once: people and tests are not simulated. */
  async #answer(facts: Omit<Observation, 'answers'>): Promise<Answers> {
    const questions = questionsFor(this.#state, facts)
    const check = questions.find((question) => question.kind === 'check')
    const gate = questions.find((question) => question.kind === 'gate')
    const agreeing = gate && hooksOf(facts, gate.type).map(({ name }) => ({ name, ok: true, message: '' }))
    return {
      gate: gate && { type: gate.type, hooks: agreeing ?? [] },
      check: check && { verdicts: await this.#measure(check), hooks: [] },
    }
  }

  #measure(question: Extract<ReturnType<typeof questionsFor>[number], { kind: 'check' }>) {
    const { windowStart: startMs, windowEnd: endMs, canaryShare, memories } = question
    const { analysis } = this.#canary.spec
    const checks = simulatedMetrics(this.#canary).map(
      (metric): Check => ({
        metric: { ...metric, interval: metric.interval ?? analysis.interval },
        memory: memories.find((memory) => memory.metric === metric.name),
      }),
    )
    const subject = { ...subjectOf(this.#canary), metricsProvider: 'mesh' } as const
    const request = { subject, checks, window: { startMs, endMs }, canaryShare, metricsServer: '' }
    return this.#analyst.measure(request, new AbortController().signal)
  }

  #perform(action: Action): void {
    switch (action.kind) {
      case 'create-run':
        this.#runs = [...this.#runs, { name: action.run.name, revision: action.run.revision, isFresh: false }]
        return
      case 'create-primary':
      case 'update-primary':
        this.#primary = { ...this.#target, replicas: 1, readyReplicas: 1, isReady: true, revision: action.revision }
        return
      case 'apply-services':
        this.#services = { areBackendsReady: true, isApexReady: this.#services.isApexReady || action.withApex }
        return
      case 'route':
        this.#shares = action.traffic
        this.#programmedAt = this.now
        return
      case 'scale-target':
        this.#target = {
          ...this.#target,
          replicas: action.replicas,
          readyReplicas: action.replicas,
          isReady: action.replicas > 0,
        }
        return
      default:
        // What is left concerns objects that do not exist here.
        return
    }
  }
}

/** The numbers of a template are not known here. */
export const simulatedMetrics = ({ spec }: Canary): readonly Metric[] =>
  (spec.analysis.metrics ?? []).filter(({ templateRef }) => templateRef === undefined)

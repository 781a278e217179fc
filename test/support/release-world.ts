import { type Canary, type CanaryRun, canaryFinalizer, type MetricVerdict } from '../../src/api/index.ts'
import {
  type Action,
  type Answers,
  type CheckedMetric,
  type Decision,
  type DeletionFacts,
  decide,
  type Note,
  type Observation,
  type Question,
  questionsFor,
  type ReleaseState,
  type RouteFacts,
  renderRunStatus,
  renderStatus,
  restoreState,
  type Traffic,
} from '../../src/canary/index.ts'
import { rollOut, type Workload, workload, workloadFacts } from './modelled-workload.ts'

/** A model of everything a release touches, moved by hand: nothing in it happens by itself. */
export class ReleaseWorld {
  now = Date.parse('2026-01-01T00:00:00Z')
  canary: Canary
  target: Workload | undefined = workload('v1', 2)
  primary: Workload | undefined
  services = { areBackendsReady: false, isApexReady: false }
  route: { traffic: Traffic | undefined; isProgrammed: boolean; isReleased?: boolean } = {
    traffic: undefined,
    isProgrammed: false,
  }
  /** The apex Service goes with the Canary. */
  isApexOwned = false
  /** Whose pods the EndpointSlices of the apex Service name: they follow its selector late. */
  apexEndpoints: 'target' | 'primary' = 'target'
  isNamespaceGoing = false
  runs = new Map<string, CanaryRun>()
  refusal: Observation['refusal']
  /** Who else is released in the namespace. */
  group: () => Observation['group'] = () => undefined
  /** What analysis and webhooks say when asked. */
  verdict: MetricVerdict['state'] = 'passed'
  /** What the metric's policy makes of it; what every metric does without one when absent. */
  decision: MetricVerdict['decision']
  rule: MetricVerdict['rule']
  gates: Readonly<Record<string, boolean>> = {}
  /** Gates that say no alert nobody. */
  isMuted = false
  readonly notes: Note[] = []
  readonly performed: Action[] = []
  /** Every weight that was ever written, in order. */
  readonly weights: number[] = []

  constructor(canary: Canary) {
    this.canary = canary
  }

  get state(): ReleaseState {
    return restoreState(this.canary, this.runs.get(this.canary.status?.runName ?? ''))
  }

  observe(): Observation {
    const facts: Omit<Observation, 'answers'> = {
      now: this.now,
      canary: this.canary,
      target: this.target && workloadFacts(this.target),
      primary: this.primary && workloadFacts(this.primary),
      services: { ...this.services },
      route: this.routeFacts(),
      runs: [...this.runs.values()].map((run) => ({
        name: run.metadata.name,
        revision: run.spec.revision,
        isFresh: run.status === undefined,
        ...(run.status?.phase === 'Succeeded' ? { promotedAt: Date.parse(run.status.endedAt ?? '') } : {}),
      })),
      refusal: this.refusal,
      group: this.group(),
      deletion: this.canary.metadata.deletionTimestamp === undefined ? undefined : this.deletionFacts(),
    }
    return { ...facts, answers: this.answer(facts) }
  }

  private deletionFacts(): DeletionFacts {
    const { isReleased, traffic } = this.route
    const held = traffic === undefined ? 'none' : 'held'
    return {
      isNamespaceGoing: this.isNamespaceGoing,
      apex: this.apexFacts(),
      pods: this.target && { all: this.target.replicas, ready: this.target.readyReplicas },
      areEndpointsReady: this.isUp('target'),
      areEndpointsMoved: this.apexEndpoints === 'target' && this.isUp('target'),
      route: isReleased ? 'released' : held,
    }
  }

  /** Whether a side has ready pods, whatever anybody counts. */
  isUp(side: 'target' | 'primary'): boolean {
    return (this[side]?.readyReplicas ?? 0) > 0
  }

  private apexFacts(): DeletionFacts['apex'] {
    if (this.services.isApexReady || this.isApexOwned) return 'held'
    return this.canary.status?.lastPromotedSpec === undefined ? 'none' : 'released'
  }

  private routeFacts(): RouteFacts {
    return { traffic: this.route.traffic, isCurrent: true, isProgrammed: this.route.isProgrammed }
  }

  private answer(facts: Omit<Observation, 'answers'>): Answers {
    const questions = questionsFor(this.state, facts)
    const gate = questions.find((question) => question.kind === 'gate')
    const check = questions.find((question) => question.kind === 'check')
    const isRollbackDue = questions.some((question) => question.kind === 'rollback')
    return {
      rollback: isRollbackDue
        ? { hooks: [{ name: 'undo', ok: this.gates.rollback ?? false, message: 'hook "undo" answered' }] }
        : undefined,
      check: check && { verdicts: [this.buildVerdict(check)], hooks: [] },
      gate: gate && {
        type: gate.type,
        hooks: [
          {
            name: 'gate',
            ok: this.gates[gate.type] ?? true,
            message: `${gate.type} says no`,
            ...(this.isMuted ? { isMuted: true } : {}),
          },
        ],
      },
    }
  }

  /** Its memory counts the checks. */
  private buildVerdict({ memories }: Extract<Question, { kind: 'check' }>): CheckedMetric {
    const time = new Date(this.now).toISOString()
    const message = `success rate is ${this.verdict}`
    return {
      metric: 'm',
      state: this.verdict,
      thresholdRange: {},
      query: 'q',
      windowStart: time,
      windowEnd: time,
      message,
      ...(this.decision === undefined ? {} : { decision: this.decision }),
      ...(this.rule === undefined ? {} : { rule: this.rule }),
      memory: { metric: 'm', failedChecks: (memories[0]?.failedChecks ?? 0) + 1, consecutiveFailedChecks: 0 },
    }
  }

  /** One pass of the controller. After so many writes as `crashAfter` says nothing more happens. */
  pass(crashAfter = Number.POSITIVE_INFINITY): Decision {
    const observation = this.observe()
    const decision = decide(this.state, observation)
    const [routes, others] = [true, false].map((isRoute) =>
      decision.actions.filter(({ kind }) => (kind === 'route') === isRoute).map((action) => () => this.perform(action)),
    )
    const writes = [
      ...(others ?? []),
      () => this.recordRun(decision),
      ...(routes ?? []),
      () => this.recordCanary(decision, observation),
    ]
    for (const write of writes.slice(0, crashAfter)) write()
    return decision
  }

  perform(action: Action): void {
    this.performed.push(action)
    switch (action.kind) {
      case 'create-run':
        this.createRun(action.run)
        break
      case 'delete-run':
        this.runs.delete(action.name)
        break
      case 'create-primary':
        this.primary ??= workload(action.revision, Math.max(1, this.target?.replicas ?? 1))
        break
      case 'update-primary':
        this.updatePrimary(action.revision)
        break
      case 'apply-services':
        this.applyServices(action.withApex)
        break
      case 'route':
        this.writeRoute(action.traffic)
        break
      case 'scale-target':
        this.scaleTarget(action.replicas)
        break
      case 'clear-command':
        this.annotate(action.annotation, undefined)
        break
      case 'add-finalizer':
        this.setFinalizers([canaryFinalizer])
        break
      case 'release-apex':
        this.services = { ...this.services, isApexReady: false }
        this.isApexOwned = false
        break
      case 'release-route':
        this.route = { traffic: undefined, isProgrammed: false, isReleased: true }
        break
      case 'adopt-primary':
      case 'apply-autoscaler':
      case 'pause-autoscaler':
      case 'delete-copies':
      case 'hand-over':
        break
      case 'remove-finalizer':
        this.setFinalizers([])
        break
      default:
        action satisfies never
    }
  }

  private applyServices(withApex: boolean): void {
    const isFirst = withApex && this.apexFacts() === 'none'
    this.services = { areBackendsReady: true, isApexReady: this.services.isApexReady || withApex }
    if (isFirst) this.isApexOwned = true
  }

  private setFinalizers(finalizers: readonly string[]): void {
    this.canary = { ...this.canary, metadata: { ...this.canary.metadata, finalizers } }
  }

  /** The user deletes the Canary. */
  delete(): void {
    const deletionTimestamp = new Date(this.now).toISOString()
    this.canary = { ...this.canary, metadata: { deletionTimestamp, ...this.canary.metadata } }
  }

  /** The API server keeps a deleted Canary as long as it has a finalizer. */
  get isGone(): boolean {
    const { deletionTimestamp, finalizers = [] } = this.canary.metadata
    return deletionTimestamp !== undefined && finalizers.length === 0
  }

  private createRun(run: Extract<Action, { kind: 'create-run' }>['run']): void {
    if (this.runs.has(run.name)) return
    this.runs.set(run.name, {
      apiVersion: 'sluice.dev/v1',
      kind: 'CanaryRun',
      metadata: { name: run.name, namespace: 'default' },
      spec: {
        canary: 'web',
        revision: run.revision,
        images: [...run.images],
        startedAt: new Date(run.startedAt).toISOString(),
        ...(run.beginning === undefined ? {} : { beginning: run.beginning }),
      },
    })
  }

  private updatePrimary(revision: string): void {
    if (this.primary === undefined || this.primary.revision === revision) return
    this.primary.revision = revision
    this.primary.newPodsReady = false
  }

  private writeRoute(traffic: Traffic): void {
    if (JSON.stringify(traffic) === JSON.stringify(this.route.traffic)) return
    this.weights.push(traffic.canary)
    this.route = { traffic, isProgrammed: false }
  }

  private scaleTarget(replicas: number): void {
    const { target } = this
    if (target === undefined || target.replicas === replicas) return
    target.replicas = replicas
    if (replicas === 0) target.leaving = target.readyReplicas
    target.readyReplicas = Math.min(target.readyReplicas, replicas)
  }

  private recordRun({ next, actions }: Decision): void {
    if (this.isGone) return
    const run = next.run && this.runs.get(next.run.name)
    const isNew = actions.some(({ kind }) => kind === 'create-run')
    if (next.run && run && !isNew)
      this.runs.set(run.metadata.name, json({ ...run, status: renderRunStatus(next, next.run) }))
  }

  private recordCanary({ next, actions, notes }: Decision, observation: Observation): void {
    if (this.isGone) return
    this.notes.push(...notes)
    const written = actions.find((action) => action.kind === 'route')
    const status = renderStatus(next, observation, written?.traffic ?? observation.route.traffic)
    this.canary = json({ ...this.canary, status })
  }

  annotate(annotation: string, value: string | undefined): void {
    const { [annotation]: _, ...others } = this.canary.metadata.annotations ?? {}
    const annotations = value === undefined ? others : { ...others, [annotation]: value }
    this.canary = { ...this.canary, metadata: { ...this.canary.metadata, annotations } }
  }

  /** The user changes the pod template. */
  release(revision: string): void {
    if (this.target === undefined) return
    this.target.revision = revision
    this.target.newPodsReady = false
  }

  /** Proxies and Deployment controllers do what they can. */
  answerWorld(): void {
    this.acknowledge()
    this.moveEndpoints()
    this.rollOutAll()
  }

  acknowledge(): void {
    this.route.isProgrammed = this.route.traffic !== undefined || this.route.isReleased === true
  }

  moveEndpoints(): void {
    this.apexEndpoints = this.services.isApexReady ? 'primary' : 'target'
  }

  rollOutAll(): void {
    for (const each of [this.target, this.primary]) if (each) rollOut(each)
  }

  losePods(side: 'target' | 'primary'): void {
    const each = this[side]
    if (each) Object.assign(each, { readyReplicas: 0, leaving: 0, newPodsReady: false })
  }

  /** All that a pass can change, for comparisons. */
  snapshot(): string {
    const { canary, runs, route, services, apexEndpoints, target, primary } = this
    return JSON.stringify([canary, [...runs], route, services, apexEndpoints, target, primary])
  }

  /** Passes and a helpful world until nothing changes for a while; returns the phases it went through. */
  run(limit = 200, stepMs = 5_000): readonly string[] {
    const phases: string[] = []
    for (let turn = 0; turn < limit; turn++) {
      const before = this.snapshot()
      this.pass()
      this.answerWorld()
      const { phase = '' } = this.state
      if (phases.at(-1) !== phase) phases.push(phase)
      const isQuiet = before === this.snapshot()
      if (this.isGone) return phases
      if (isQuiet && this.state.run?.outcome !== 'Running' && phase !== '' && phase !== 'Initializing') return phases
      if (isQuiet) this.now += stepMs
    }
    return phases
  }
}

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value))

/** A world whose first version is serving. */
export function initializedWorld(canary: Canary): ReleaseWorld {
  const world = new ReleaseWorld(canary)
  world.run()
  world.weights.length = 0
  world.notes.length = 0
  world.performed.length = 0
  return world
}

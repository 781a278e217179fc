import type { Canary, CanaryRun, RunStep } from '../../src/api/index.ts'
import { isSameJson } from '../../src/base/index.ts'
import {
  acknowledged,
  after,
  beginning,
  type Change,
  type HookCall,
  type Moment,
  names,
  readyEndpoints,
  type Story,
} from './release-story.ts'

interface Scene {
  readonly before: Moment
  readonly now: Moment
  readonly change: Change
  /** Calls that were made by then. */
  readonly calls: readonly HookCall[]
}

type Rule = (scene: Scene) => readonly string[]

/**
 * What a release promises, held against its story from outside: the API server's own order tells what was true when
 * something was written, whatever the controller knew of it.
 */
const rules: readonly Rule[] = [
  weightsAreWhole,
  weightGoesToReadyPods,
  nobodyIsCutOff,
  primaryGetsWhatWasAnalysed,
  runsGoForward,
  stepsStay,
  stepsAreEarned,
  measuresWhatProxiesHave,
  asksBeforeItGoes,
  restsOnWhatProxiesHave,
  claimsWhatIsRouted,
]

/** Every promise that was broken, in the order of the story. */
export function brokenPromises({ changes, calls }: Story): readonly string[] {
  const broken: string[] = []
  let before = beginning
  for (const change of changes.toSorted((one, other) => one.version - other.version)) {
    const now = after(before, change)
    const scene = { before, now, change, calls: calls.slice(0, change.calls) }
    for (const rule of rules) broken.push(...rule(scene).map((each) => `${change.version}: ${each}`))
    before = now
  }
  return [...broken, ...everythingIsTold(changes), ...farewellsAreSaid(before, calls), ...oneRunEach(changes)]
}

const when = (condition: boolean, broken: string): readonly string[] => (condition ? [broken] : [])

/** Weights of a rule are integers from 0 to 100 that sum to 100. */
function weightsAreWhole({ change }: Scene): readonly string[] {
  if (change.of !== 'route' || change.isGone) return []
  return (change.object.spec.http ?? []).flatMap(({ route = [] }) => {
    const weights = route.map(({ weight }) => weight ?? 100)
    const isWhole = weights.every((weight) => Number.isInteger(weight) && weight >= 0 && weight <= 100)
    const sum = weights.reduce((total, weight) => total + weight, 0)
    return when(!isWhole || sum !== 100, `weights ${weights.join(' and ')}`)
  })
}

/** A route is written with a share only for a version that has ready pods. */
function weightGoesToReadyPods({ before, now, change }: Scene): readonly string[] {
  if (change.of !== 'route' || now.shares.length <= before.shares.length) return []
  const traffic = now.shares.at(-1)?.traffic
  if (traffic === undefined) return []
  return (['primary', 'canary'] as const).flatMap((side) =>
    when(
      traffic[side] > 0 && readyPods(now, side) === 0,
      `${traffic[side]}% go to ${names[side]}, which has no ready pod`,
    ),
  )
}

/** Of a Service that is released only its endpoints are known. */
function readyPods(moment: Moment, side: 'primary' | 'canary'): number {
  const workload = moment.workloads.get(side === 'primary' ? names.primary : names.apex)
  return workload === undefined ? readyEndpoints(moment, names[side]) : (workload.status?.readyReplicas ?? 0)
}

/** Pods go only when no proxy sends requests to them any more; the apex Service has some always. */
function nobodyIsCutOff({ before, now, change }: Scene): readonly string[] {
  if (change.of !== 'slice') return []
  const hasLost = (service: string) => readyEndpoints(before, service) > 0 && readyEndpoints(now, service) === 0
  const sides = (['primary', 'canary'] as const).flatMap((side) =>
    when(
      hasLost(names[side]) && now.shares.some(({ traffic }) => (traffic?.[side] ?? 0) > 0),
      `${names[side]} lost its last ready pod while proxies send requests there`,
    ),
  )
  return [...sides, ...when(hasLost(names.apex), `the Service ${names.apex} has no ready pod any more`)]
}

/** The primary's template changes only by a promotion that is on record, to what the run has analysed. */
function primaryGetsWhatWasAnalysed({ before, change }: Scene): readonly string[] {
  if (change.of !== 'workload' || change.isGone || change.object.metadata.name !== names.primary) return []
  const former = before.workloads.get(names.primary)
  const { template } = change.object.spec
  if (former === undefined || isSameJson(former.spec.template, template)) return []
  const run = currentRun(before)
  const image = template.spec.containers[0]?.image
  const isPromoted = run?.status?.progress?.phase === 'Promoting' && run.spec.images[0] === image
  return when(!isPromoted, `the primary became ${image} in ${run?.status?.progress?.phase ?? 'no run'}`)
}

const currentRun = ({ canary, runs }: Moment): CanaryRun | undefined => runs.get(canary?.status?.runName ?? '')

const order = ['Waiting', 'Progressing', 'WaitingPromotion', 'Promoting', 'Finalising', 'Succeeded']

/** No phase of a run comes twice, and what has ended stays as it ended. */
function runsGoForward({ before, change }: Scene): readonly string[] {
  if (change.of !== 'run' || change.isGone) return []
  const { name } = change.object.metadata
  const former = before.runs.get(name)?.status
  const { status } = change.object
  if (former === undefined || status === undefined) return when(former !== undefined, `${name} lost its status`)
  const ends = [former, status].map(({ phase, reason, endedAt }) => ({ phase, reason, endedAt }))
  const isReopened = former.phase !== 'Running' && !isSameJson(ends[0], ends[1])
  const phases = [former.progress?.phase ?? '', status.progress?.phase ?? ''] as const
  const ranks = phases.map((phase) => order.indexOf(phase))
  const isBack = (ranks[1] ?? -1) >= 0 && (ranks[0] ?? -1) > (ranks[1] ?? -1)
  return [
    ...when(isReopened, `${name} ended as ${former.phase}, and then again as ${status.phase}`),
    ...when(isBack, `${name} went back from ${phases[0]} to ${phases[1]}`),
  ]
}

/** Steps are added one at a time, and one that was left stays as it was left. */
function stepsStay({ before, change }: Scene): readonly string[] {
  if (change.of !== 'run' || change.isGone) return []
  const { name } = change.object.metadata
  const former = before.runs.get(name)?.status?.steps ?? []
  const steps = change.object.status?.steps ?? []
  const isKept = former.every((step, index) => isSameJson(identityOf(step, step), identityOf(steps[index], step)))
  return [
    ...when(!isKept, `steps of ${name} were made anew: ${describe(former)}, then ${describe(steps)}`),
    ...when(steps.length > former.length + 1, `${name} took ${steps.length - former.length} steps at once`),
  ]
}

function identityOf(step: RunStep | undefined, former: RunStep): unknown {
  if (step === undefined) return undefined
  const { kind, weight, mirrorWeight, startedAt, outcome, endedAt } = step
  return { kind, weight, mirrorWeight, startedAt, ...(former.outcome === 'running' ? {} : { outcome, endedAt }) }
}

const describe = (steps: readonly RunStep[]): string =>
  steps.map(({ kind, weight, outcome }) => `${kind} ${weight} ${outcome}`).join(', ') || 'none'

/** The weight rises after a check of this very step that passed, measured after proxies had the step. */
function stepsAreEarned({ before, change }: Scene): readonly string[] {
  if (change.of !== 'run' || change.isGone) return []
  const { name } = change.object.metadata
  const steps = change.object.status?.steps ?? []
  const last = steps.at(-2)
  // On the way back to a primary that was promoted nothing is measured.
  if (steps.at(-1)?.kind === 'promotion') return []
  if (steps.length < 2 || steps.length === before.runs.get(name)?.status?.steps.length || last === undefined) return []
  const verdict = last.verdicts.at(-1)
  const isFresh = verdict !== undefined && last.programmedAt !== undefined && verdict.windowEnd > last.programmedAt
  const isEarned = last.outcome === 'passed' && verdict?.state === 'passed' && isFresh
  return when(!isEarned, `${name} went on from ${describe([last])} without a check that passed`)
}

/** A step counts as programmed when every proxy has said so. */
function measuresWhatProxiesHave({ before, now, change }: Scene): readonly string[] {
  if (change.of !== 'run' || change.isGone) return []
  const steps = change.object.status?.steps ?? []
  const step = steps.at(-1)
  const former = before.runs.get(change.object.metadata.name)?.status?.steps[steps.length - 1]
  if (step?.programmedAt === undefined || former?.programmedAt !== undefined) return []
  const traffic = acknowledged(now)
  const isServed = traffic?.canary === step.weight && traffic.mirror === step.mirrorWeight
  return when(!isServed, `${describe([step])} is measured while proxies have ${JSON.stringify(traffic)}`)
}

/** Webhooks that may hold a release have agreed before it goes on, each for this revision. */
function asksBeforeItGoes({ before, now, change, calls }: Scene): readonly string[] {
  if (change.of !== 'run' || change.isGone || change.object.status === undefined) return []
  const { metadata, spec, status } = change.object
  const former = before.runs.get(metadata.name)?.status
  const rank = (of: typeof former) => order.indexOf(of?.progress?.phase ?? 'Waiting')
  const crossed = (phase: string) => rank(former) < order.indexOf(phase) && rank(status) >= order.indexOf(phase)
  const begun = [
    ...when(crossed('Progressing'), 'confirm-rollout'),
    ...when((former?.steps.length ?? 0) === 0 && status.steps.length > 0, 'pre-rollout'),
    ...when(crossed('Promoting'), 'confirm-promotion'),
  ]
  const isAsked = (type: string) => calls.some((call) => call.type === type && call.checksum === spec.revision)
  const wanted = (now.canary?.spec.analysis.webhooks ?? []).map(({ type }) => String(type))
  return begun
    .filter((type) => wanted.includes(type) && !isAsked(type))
    .map((type) => `${metadata.name} went on before ${type} was asked`)
}

/** A Canary at rest says of weights what every proxy has, and of a success what runs. */
function restsOnWhatProxiesHave({ before, now, change }: Scene): readonly string[] {
  if (change.of !== 'canary' || change.isGone) return []
  const { phase, canaryWeight = 0, lastPromotedSpec } = change.object.status ?? {}
  if (phase === before.canary?.status?.phase) return []
  const isResting = phase === 'Initialized' || phase === 'Succeeded' || phase === 'Failed'
  if (!isResting) return []
  const traffic = acknowledged(now)
  const run = currentRun(now)
  const primary = now.workloads.get(names.primary)
  const image = primary?.spec.template.spec.containers[0]?.image
  const isPromoted = lastPromotedSpec === run?.spec.revision && (primary === undefined || image === run?.spec.images[0])
  return [
    ...when(traffic?.canary !== canaryWeight, `${phase} at ${canaryWeight}%, while proxies have ${traffic?.canary}%`),
    ...when(phase === 'Succeeded' && !isPromoted, `Succeeded while the primary runs ${image}`),
  ]
}

/** A weight in the status is followed by the route, or was its, before another one is claimed. */
function claimsWhatIsRouted({ before, change }: Scene): readonly string[] {
  if (change.of !== 'canary' || change.isGone) return []
  const former = before.canary?.status?.canaryWeight ?? 0
  const { canaryWeight = 0 } = change.object.status ?? {}
  const routed = before.shares.at(-1)?.traffic?.canary
  if (former === canaryWeight || routed === undefined || routed === former || routed === canaryWeight) return []
  return [`the status went from ${former}% to ${canaryWeight}% while the route gives ${routed}%`]
}

/** Every refusal and hold has an event of its reason, and every end of a run one with its words. */
function everythingIsTold(changes: readonly Change[]): readonly string[] {
  const events = changes.flatMap((change) => (change.of === 'event' ? [change.object] : []))
  const told = new Set(events.flatMap((event) => [event.reason ?? '', wordsOf(event)]))
  const causes = changes.flatMap((change) => {
    if (change.isGone) return []
    if (change.of === 'canary') return stalledCauses(change.object)
    return change.of === 'run' && change.object.status?.endedAt !== undefined ? [wordsOf(change.object.status)] : []
  })
  return [...new Set(causes)].filter((words) => !told.has(words)).map((words) => `no event says ${words}`)
}

const wordsOf = ({ reason = '', message = '' }: { readonly reason?: string; readonly message?: string }): string =>
  `${reason}: ${message}`

const stalledCauses = ({ status }: Canary): readonly string[] =>
  (status?.conditions ?? []).flatMap((each) => (each.type === 'Stalled' && each.status === 'True' ? [each.reason] : []))

/** Whoever wants to hear of the end of a run has heard of it. */
function farewellsAreSaid({ canary, runs }: Moment, calls: readonly HookCall[]): readonly string[] {
  const wanted = (canary?.spec.analysis.webhooks ?? []).some(({ type }) => type === 'post-rollout')
  if (!wanted) return []
  return [...runs.values()]
    .filter(({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed')
    .filter(({ spec }) => !calls.some(({ type, checksum }) => type === 'post-rollout' && checksum === spec.revision))
    .map(({ metadata }) => `nobody was told of the end of ${metadata.name}`)
}

/** A revision that is released once has one run. */
function oneRunEach(changes: readonly Change[]): readonly string[] {
  const runs = new Map(
    changes.flatMap((change) =>
      change.of === 'run' ? [[change.object.metadata.name, change.object.spec.revision]] : [],
    ),
  )
  const revisions = [...runs.values()]
  return when(
    new Set(revisions).size < revisions.length,
    `runs ${[...runs.keys()].join(', ')} release one revision twice`,
  )
}

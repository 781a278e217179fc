import type { Analyst, Check, Measured, MeasureRequest } from '../analysis/index.ts'
import { guardSettingsOf, type Metric, type MetricMemory, type MetricVerdict } from '../api/index.ts'
import { type Answers, type HookAnswer, hooksOf, type Question, type ReleaseState } from '../canary/index.ts'
import type { HookCaller } from '../hooks/index.ts'
import { checksOf, subjectOf } from './checks.ts'
import { hookPayloadOf } from './hook-payload.ts'
import type { LocalCopies } from './local-copies.ts'
import type { Gathered } from './observe.ts'
import type { ReferencePolicy } from './references.ts'

export interface AskOptions {
  readonly analyst: Analyst
  readonly hooks: HookCaller
  readonly copies: LocalCopies
  readonly policy: ReferencePolicy
  readonly defaultMetricsServer: string
}

export interface Asked {
  readonly observation: Gathered['observation']
  readonly questions: readonly Question[]
  /** As it was recorded when the questions came up. */
  readonly state: ReleaseState
  readonly run: MeasureRequest['run']
}

/** What is known by now. */
export interface Answered {
  readonly answers: Answers
  /** Something that was begun for the check goes on. */
  readonly isPending: boolean
}

/** Asks analysis and webhooks what is due, all at once. */
export async function ask(options: AskOptions, asked: Asked, signal: AbortSignal): Promise<Answered> {
  const [check, alarm, gate, rollback] = await Promise.all([
    askCheck(options, asked, signal),
    askAlarm(options, asked, signal),
    askGate(options, asked, signal),
    askRollback(options, asked, signal),
  ])
  const others = { ...(alarm && { alarm }), ...(gate && { gate }), ...(rollback && { rollback }) }
  if (check === undefined || check.isPending) return { answers: others, isPending: check !== undefined }
  const { verdicts, hooks } = check
  return { answers: { ...others, check: { verdicts, hooks } }, isPending: false }
}

type Checked = NonNullable<Answers['check']> & { readonly isPending: boolean }

async function askCheck(options: AskOptions, asked: Asked, signal: AbortSignal): Promise<Checked | undefined> {
  const question = asked.questions.find((each) => each.kind === 'check')
  if (question === undefined) return undefined
  const verdicts = await measure(options, asked, question, signal)
  // A check is asked on until all of it is in: its webhooks are called once.
  if (verdicts.some(({ isPending }) => isPending)) return { isPending: true, verdicts: [], hooks: [] }
  return { isPending: false, verdicts, hooks: await callHooks(options, asked, 'rollout', signal) }
}

async function askAlarm(options: AskOptions, asked: Asked, signal: AbortSignal): Promise<Answers['alarm']> {
  const question = asked.questions.find((each) => each.kind === 'alarm')
  if (question === undefined) return undefined
  const { analysis } = asked.observation.canary.spec
  const early = { sinceMs: question.since, settings: guardSettingsOf(analysis) }
  const { windowStart = question.windowEnd } = question
  return { verdicts: await measure(options, asked, { ...question, windowStart, early }, signal) }
}

async function askGate(options: AskOptions, asked: Asked, signal: AbortSignal): Promise<Answers['gate']> {
  const question = asked.questions.find((each) => each.kind === 'gate')
  if (question === undefined) return undefined
  return { type: question.type, hooks: await callHooks(options, asked, question.type, signal) }
}

async function askRollback(options: AskOptions, asked: Asked, signal: AbortSignal): Promise<Answers['rollback']> {
  if (!asked.questions.some(({ kind }) => kind === 'rollback')) return undefined
  return { hooks: await callHooks(options, asked, 'rollback', signal) }
}

type Measurable = Omit<Extract<Question, { kind: 'check' }>, 'kind'> & Pick<MeasureRequest, 'early'>
type Window = { readonly startMs: number; readonly endMs: number }

async function measure(
  options: AskOptions,
  { observation: { canary }, run }: Asked,
  { id, windowStart, windowEnd, canaryShare, memories, early }: Measurable,
  signal: AbortSignal,
): Promise<readonly Measured[]> {
  const window = { startMs: windowStart, endMs: windowEnd }
  const found = checksOf(canary, options.copies, options.policy)
  const checks = found.flatMap((each) => ('check' in each ? [withMemory(each.check, memories)] : []))
  const refused = found.flatMap((each) => ('refusal' in each ? [unasked(each.metric, each.refusal, window)] : []))
  if (checks.length === 0) return early === undefined ? refused : []
  const request = {
    subject: subjectOf(canary),
    checks,
    window,
    canaryShare,
    checkId: id,
    run,
    early,
    metricsServer: canary.spec.metricsServer ?? options.defaultMetricsServer,
  }
  const measured = await options.analyst.measure(request, signal)
  return early === undefined ? [...measured, ...refused] : measured
}

const withMemory = (check: Check, memories: readonly MetricMemory[]): Check => ({
  ...check,
  memory: memories.find(({ metric }) => metric === check.metric.name),
})

const unasked = (metric: Metric, message: string, { startMs, endMs }: Window): MetricVerdict => ({
  metric: metric.name,
  state: 'query-error',
  thresholdRange: metric.thresholdRange ?? {},
  query: '',
  windowStart: new Date(startMs).toISOString(),
  windowEnd: new Date(endMs).toISOString(),
  message,
})

async function callHooks(
  { hooks }: AskOptions,
  { observation, state }: Asked,
  type: Parameters<typeof hooksOf>[1],
  signal: AbortSignal,
): Promise<readonly HookAnswer[]> {
  const payload = hookPayloadOf(observation.canary, state, type)
  return Promise.all(
    hooksOf(observation, type).map(async (hook) => {
      const { ok, message } = await hooks.call(hook, payload, signal)
      return { name: hook.name, ok, message, ...(hook.muteAlert && { isMuted: true }) }
    }),
  )
}

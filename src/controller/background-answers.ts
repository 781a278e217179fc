import type { Answers, Question } from '../canary/index.ts'
import type { Clock } from '../runtime/index.ts'
import type { Answered, Asked } from './ask.ts'

export interface BackgroundAnswers {
  /**
   * What is known by now of what is due. The rest is asked in the background, each question by itself, and the key is
   * woken when an answer is there: a receiver that hangs holds up nothing but its own question.
   * @throws what asking threw, once.
   */
  take(key: string, asked: Asked, signal: AbortSignal): Answers
  /** Resolves when nothing is being asked any more. */
  settled(): Promise<void>
}

export interface BackgroundOptions {
  readonly ask: (asked: Asked, signal: AbortSignal) => Promise<Answered>
  readonly clock: Pick<Clock, 'sleep'>
  readonly wake: (key: string) => void
}

type Outcome = { readonly answers: Answers } | { readonly error: unknown }

/** A question under way, or its answer until somebody takes it. */
interface Errand {
  readonly fingerprint: string
  outcome?: Outcome
  /** Nobody waits for it any more: what goes on elsewhere is not looked at again. */
  isForgotten?: boolean
}

/** Time between two looks at a Job that a check waits for. */
const ASK_AGAIN_MS = 1_000

export function createBackgroundAnswers({ ask, clock, wake }: BackgroundOptions): BackgroundAnswers {
  const errands = new Map<string, Map<Question['kind'], Errand>>()
  const underWay = new Set<Promise<void>>()

  const askOn = async (errand: Errand, asked: Asked, signal: AbortSignal): Promise<Answers> => {
    let answered = await ask(asked, signal)
    while (answered.isPending && !errand.isForgotten && !signal.aborted) {
      await clock.sleep(ASK_AGAIN_MS, signal)
      answered = await ask(asked, signal)
    }
    return answered.answers
  }

  // A call that nobody waits for any more ends by its own time limit.
  const send = (key: string, errand: Errand, asked: Asked, signal: AbortSignal): void => {
    const settle = (outcome: Outcome) => {
      errand.outcome = outcome
      wake(key)
    }
    const sent = askOn(errand, asked, signal).then(
      (answers) => settle({ answers }),
      (error: unknown) => settle({ error }),
    )
    underWay.add(sent)
    void sent.finally(() => underWay.delete(sent))
  }

  /** The errand of a question: the one that is under way for it, or a new one. */
  const errandFor = (key: string, question: Question, asked: Asked, signal: AbortSignal): Errand => {
    const fingerprint = fingerprintOf(question, asked)
    const known = errands.get(key)?.get(question.kind)
    if (known?.fingerprint === fingerprint) return known
    const errand: Errand = { fingerprint }
    send(key, errand, { ...asked, questions: [question] }, signal)
    return errand
  }

  return {
    take(key, asked, signal) {
      const current = asked.questions.map(
        (question) => [question.kind, errandFor(key, question, asked, signal)] as const,
      )
      const pending = current.filter(([, { outcome }]) => outcome === undefined)
      for (const former of errands.get(key)?.values() ?? [])
        former.isForgotten = !current.some(([, errand]) => errand === former)
      errands.delete(key)
      if (pending.length > 0) errands.set(key, new Map(pending))
      return merge(
        current.flatMap(([, { outcome }]) => outcome ?? []),
        pending.map(([kind]) => kind),
      )
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}

function merge(outcomes: readonly Outcome[], pending: readonly Question['kind'][]): Answers {
  const known: readonly Answers[] = outcomes.map((outcome) => {
    if ('error' in outcome) throw outcome.error
    return outcome.answers
  })
  return Object.assign({}, ...known, pending.length === 0 ? {} : { pending })
}

/** Two questions are one where only the time has moved on between them. */
function fingerprintOf(question: Question, { observation, state: { phase, run } }: Asked): string {
  const { stepIndex, checkedAt, askedAt, rollbackAskedAt } = run?.progress ?? {}
  const place = [run?.name, phase, stepIndex, checkedAt, question.kind === 'rollback' ? rollbackAskedAt : askedAt]
  return JSON.stringify([{ ...question, windowEnd: 0, memories: [] }, place, observation.canary.metadata.generation])
}

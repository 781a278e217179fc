import { z } from 'zod'
import { parseJson, type Result } from '../../base/index.ts'
import type { MetricProvider, ProviderOptions, ProviderProblem, Samples } from '../provider.ts'
import type { Window } from '../window.ts'
import type { Question } from './exchange.ts'
import {
  type Asking,
  authorizationOf,
  createHttpProvider,
  type Dialect,
  providerDown,
  samplesOf,
} from './http-provider.ts'
import { newestSample } from './newest-point.ts'

/** Graphite's render API. */
export const createGraphiteProvider = (options: ProviderOptions): MetricProvider => createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'Graphite',
  ask: renderQuestion,
  read: (body, { window }) => readTargets(parseJson(body), window),
}

const answerSchema = z.array(
  z.object({
    target: z.string(),
    // The value and seconds since 1970.
    datapoints: z.array(z.tuple([z.number().nullable(), z.number()])),
  }),
)

function renderQuestion({ query, window, address, secret }: Asking): Question {
  const form = new URLSearchParams(targetsOf(query).map((target): [string, string] => ['target', target]))
  form.set('from', `${Math.floor(window.startMs / 1_000)}`)
  form.set('until', `${Math.ceil(window.endMs / 1_000)}`)
  form.set('format', 'json')
  return { method: 'GET', url: `${address.base}/render?${form}`, headers: authorizationOf(secret, address) }
}

/** Flagger's templates write `target=...&from=...`: the window takes the place of their times. */
function targetsOf(query: string): readonly string[] {
  const text = query.replace(/\s*\n\s*/g, '').trim()
  if (!text.startsWith('target=')) return [text]
  return text
    .split('&')
    .filter((part) => part.startsWith('target='))
    .map((part) => part.slice('target='.length))
}

function readTargets(body: unknown, window: Window): Result<Samples, ProviderProblem> {
  const answer = answerSchema.safeParse(body)
  if (!answer.success) return providerDown('the answer is not that of the render API of Graphite')
  return samplesOf(
    answer.data.flatMap(({ target, datapoints }) =>
      newestSample(
        { target },
        datapoints.map(([value, at]) => ({ atMs: at * 1_000, value })),
        window,
      ),
    ),
  )
}

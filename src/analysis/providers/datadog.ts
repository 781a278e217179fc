import { z } from 'zod'
import { parseJson, type Result } from '../../base/index.ts'
import type { MetricProvider, ProviderOptions, ProviderProblem, Samples } from '../provider.ts'
import type { Window } from '../window.ts'
import type { Question } from './exchange.ts'
import {
  type Asking,
  createHttpProvider,
  type Dialect,
  providerDown,
  queryError,
  requireKey,
  samplesOf,
} from './http-provider.ts'
import { newestSample } from './newest-point.ts'

/** Datadog's query of time series (v1). */
export const createDatadogProvider = (options: ProviderOptions): MetricProvider => createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'Datadog',
  defaultAddress: () => 'https://api.datadoghq.com',
  ask: renderQuestion,
  read: (body, { window }) => readSeries(parseJson(body), window),
  refusal: (body) => refusalSchema.safeParse(body).data?.errors.join('; '),
}

const refusalSchema = z.object({ errors: z.array(z.string()) })
const answerSchema = z.object({
  status: z.string(),
  error: z.string().nullish(),
  series: z
    .array(
      z.object({
        scope: z.string().default(''),
        // Milliseconds since 1970 and the value.
        pointlist: z.array(z.tuple([z.number(), z.number().nullable()])),
      }),
    )
    .nullish(),
})

function renderQuestion({ query, window, address, secret }: Asking): Question {
  const times = { from: `${Math.floor(window.startMs / 1_000)}`, to: `${Math.ceil(window.endMs / 1_000)}` }
  return {
    method: 'GET',
    url: `${address.base}/api/v1/query?${new URLSearchParams({ ...times, query: query.trim() })}`,
    headers: {
      'dd-api-key': requireKey(secret, 'datadog_api_key'),
      'dd-application-key': requireKey(secret, 'datadog_application_key'),
    },
  }
}

function readSeries(body: unknown, window: Window): Result<Samples, ProviderProblem> {
  const answer = answerSchema.safeParse(body)
  if (!answer.success) return providerDown('the answer is not that of the query API of Datadog')
  const { status, error, series } = answer.data
  if (status !== 'ok') return queryError(`${status}: ${error ?? 'no reason given'}`)
  return samplesOf(
    (series ?? []).flatMap(({ scope, pointlist }) =>
      newestSample(
        { scope },
        pointlist.map(([atMs, value]) => ({ atMs, value })),
        window,
      ),
    ),
  )
}

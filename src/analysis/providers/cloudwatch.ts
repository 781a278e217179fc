import { z } from 'zod'
import { parseJson, type Result } from '../../base/index.ts'
import type { MetricProvider, ProviderOptions, ProviderProblem, Samples } from '../provider.ts'
import type { Window } from '../window.ts'
import { findAwsCredentials } from './aws-credentials.ts'
import { signForAws } from './aws-signature.ts'
import type { Question } from './exchange.ts'
import {
  type Asking,
  createHttpProvider,
  type Dialect,
  providerDown,
  queryError,
  SettingsError,
  samplesOf,
} from './http-provider.ts'
import { newestSample } from './newest-point.ts'

/** CloudWatch's GetMetricData: the query is its JSON list of MetricDataQueries, as Flagger has it. */
export const createCloudWatchProvider = (options: ProviderOptions): MetricProvider =>
  createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'CloudWatch',
  defaultAddress: ({ provider }) => `https://monitoring.${provider.region}.amazonaws.com`,
  ask: renderQuestion,
  read: (body, { window }) => readResults(parseJson(body), window),
  refusal: (body) => readRefusal(body),
}

const MAX_POINTS = 100

const answerSchema = z.object({
  MetricDataResults: z.array(
    z.object({
      Id: z.string(),
      Label: z.string().default(''),
      // Seconds since 1970.
      Timestamps: z.array(z.number()).default([]),
      Values: z.array(z.number()).default([]),
      StatusCode: z.string().default('Complete'),
    }),
  ),
})
const refusalSchema = z.object({ __type: z.string(), message: z.string().optional(), Message: z.string().optional() })

async function renderQuestion(asking: Asking): Promise<Question> {
  const { query, window, address, options } = asking
  const queries = parseJson(query)
  if (!Array.isArray(queries)) throw new SettingsError('the query is not a JSON list of MetricDataQueries')
  const question = {
    method: 'POST',
    url: `${address.base}/`,
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'GraniteServiceVersion20100801.GetMetricData',
    },
    body: JSON.stringify({
      MetricDataQueries: queries,
      StartTime: Math.floor(window.startMs / 1_000),
      EndTime: Math.ceil(window.endMs / 1_000),
      ScanBy: 'TimestampDescending',
      MaxDatapoints: MAX_POINTS,
    }),
  } as const
  const scope = { region: options.provider.region ?? '', service: 'monitoring', atMs: options.clock.now() }
  return { ...question, headers: signForAws(question, await findAwsCredentials(asking), scope) }
}

/** CloudWatch answers expired or wrong credentials with 400. */
function readRefusal(body: unknown): string | undefined {
  const refusal = refusalSchema.safeParse(body)
  if (!refusal.success) return undefined
  const { __type: type, message, Message } = refusal.data
  return `${type.split('#').at(-1)}: ${message ?? Message ?? ''}`
}

function readResults(body: unknown, window: Window): Result<Samples, ProviderProblem> {
  const answer = answerSchema.safeParse(body)
  if (!answer.success) return providerDown('the answer is not that of GetMetricData')
  const results = answer.data.MetricDataResults
  const failed = results.find(({ StatusCode }) => StatusCode === 'InternalError' || StatusCode === 'Forbidden')
  if (failed?.StatusCode === 'Forbidden') return queryError(`${failed.Id} is forbidden`)
  if (failed !== undefined) return providerDown(`${failed.Id} failed inside CloudWatch`)
  return samplesOf(
    results.flatMap(({ Id, Label, Timestamps, Values }) => {
      const points = Timestamps.map((at, index) => ({ atMs: at * 1_000, value: Values[index] ?? null }))
      return newestSample({ id: Id, label: Label }, points, window)
    }),
  )
}

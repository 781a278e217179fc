import { z } from 'zod'
import { parseJson, type Result, success } from '../../base/index.ts'
import type { MetricProvider, ProviderOptions, ProviderProblem, Sample, Samples } from '../provider.ts'
import type { Window } from '../window.ts'
import type { Question } from './exchange.ts'
import { fetchGoogleToken } from './google-token.ts'
import {
  type Asking,
  createHttpProvider,
  type Dialect,
  providerDown,
  queryError,
  requireKey,
  samplesOf,
} from './http-provider.ts'
import { newestSample, type Point } from './newest-point.ts'

/** Google Cloud Monitoring's MQL; the name is Flagger's. */
export const createStackdriverProvider = (options: ProviderOptions): MetricProvider =>
  createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'Google Cloud Monitoring',
  defaultAddress: () => 'https://monitoring.googleapis.com',
  ask: renderQuestion,
  read: (body, { window }) => readSeries(parseJson(body), window),
  refusal: (body) => refusalSchema.safeParse(body).data?.error.message,
}

const refusalSchema = z.object({ error: z.object({ message: z.string() }) })
const valueSchema = z.object({
  doubleValue: z.union([z.number(), z.string()]).optional(),
  int64Value: z.string().optional(),
})
const answerSchema = z.object({
  timeSeriesData: z
    .array(
      z.object({
        labelValues: z.array(z.record(z.string(), z.unknown())).optional(),
        pointData: z
          .array(z.object({ values: z.array(valueSchema), timeInterval: z.object({ endTime: z.string() }) }))
          .optional(),
      }),
    )
    .optional(),
  partialErrors: z.array(z.object({ message: z.string().default('') })).optional(),
})

async function renderQuestion(asking: Asking): Promise<Question> {
  const { query, address, secret } = asking
  const project = encodeURIComponent(requireKey(secret, 'project'))
  return {
    method: 'POST',
    url: `${address.base}/v3/projects/${project}/timeSeries:query`,
    headers: { authorization: `Bearer ${await fetchGoogleToken(asking)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  }
}

function readSeries(body: unknown, window: Window): Result<Samples, ProviderProblem> {
  const answer = answerSchema.safeParse(body)
  if (!answer.success) return providerDown('the answer is not that of timeSeries:query')
  const [fault] = answer.data.partialErrors ?? []
  if (fault !== undefined) return providerDown(`the answer is incomplete: ${fault.message.slice(0, 300)}`)
  const samples: Sample[] = []
  for (const { labelValues = [], pointData = [] } of answer.data.timeSeriesData ?? []) {
    const points: Point[] = []
    for (const { values, timeInterval } of pointData) {
      const value = readValue(values)
      if (!value.ok) return value
      points.push({ atMs: Date.parse(timeInterval.endTime), value: value.value })
    }
    samples.push(...newestSample({ labels: JSON.stringify(labelValues) }, points, window))
  }
  return samplesOf(samples)
}

/** JSON writes a double that is none as text. */
function readValue([value, ...others]: readonly z.output<typeof valueSchema>[]): Result<number, ProviderProblem> {
  if (others.length > 0) return queryError(`the query gives ${others.length + 1} values a point; it must give one`)
  const text = value?.doubleValue ?? value?.int64Value
  if (text === undefined) return queryError('the query gives values that are no numbers')
  return success(Number(text))
}

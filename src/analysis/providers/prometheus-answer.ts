import { z } from 'zod'
import { failure, isRecord, parseJson, type Result, success } from '../../base/index.ts'
import type { ProviderProblem, Sample, Samples } from '../provider.ts'

/** Seconds and the value as text, since JSON has neither NaN nor infinity. */
const pointSchema = z.tuple([z.number(), z.string()])
/** Looked through by hand: one answer to the guard has hundreds of series, each second. */
const labelsSchema = z.custom<Readonly<Record<string, string>>>(isTexts)

const dataSchema = z.discriminatedUnion('resultType', [
  z.object({
    resultType: z.literal('vector'),
    // An element without `value` is a native histogram.
    result: z.array(z.object({ metric: labelsSchema, value: pointSchema.optional() })),
  }),
  z.object({ resultType: z.literal('scalar'), result: pointSchema }),
  z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ metric: labelsSchema, values: z.array(pointSchema).optional() })),
  }),
  z.object({ resultType: z.literal('string') }),
])

const answerSchema = z.object({
  status: z.literal('success'),
  data: dataSchema,
  warnings: z.array(z.string()).nullish(),
  isPartial: z.boolean().nullish(),
})
const refusalSchema = z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() })

function isTexts(labels: unknown): boolean {
  return isRecord(labels) && Object.values(labels).every((value) => typeof value === 'string')
}

/** A remark of the language about the query; whatever else is warned of concerns the data. */
const REMARK = /^PromQL (warning|info)/

/** Reads the body of a 200. `isRange` tells whether points over time were asked for. */
export function parseSuccess(body: string, isRange: boolean): Result<Samples, ProviderProblem> {
  const answer = answerSchema.safeParse(parseJson(body))
  if (!answer.success) {
    return failure({ kind: 'provider-down', message: 'the answer is not that of a Prometheus query API' })
  }
  const { data, isPartial } = answer.data
  const warnings = answer.data.warnings ?? []
  const fault = warnings.find((warning) => !REMARK.test(warning))
  if (fault !== undefined || isPartial === true) {
    const reason = fault === undefined ? '' : `: ${fault.slice(0, 300)}`
    return failure({ kind: 'provider-down', message: `the answer is incomplete${reason}` })
  }
  const samples = readData(data, isRange)
  if (!samples.ok) return samples
  return success({ kind: 'samples', samples: samples.value, ...(warnings.length > 0 ? { warnings } : {}) })
}

/** The server's own reason. */
export function parseRefusal(body: unknown): string | undefined {
  const refusal = refusalSchema.safeParse(body)
  return refusal.success ? `${refusal.data.errorType}: ${refusal.data.error}` : undefined
}

function readData(data: z.output<typeof dataSchema>, isRange: boolean): Result<readonly Sample[], ProviderProblem> {
  if (data.resultType === 'scalar') return success([{ labels: {}, value: parseValue(data.result[1]) }])
  if (data.resultType === 'vector') return readPoints(data.result)
  if (data.resultType === 'matrix' && isRange) {
    return readPoints(data.result.map(({ metric, values }) => ({ metric, value: values?.at(-1) })))
  }
  const message = `the query gives a ${data.resultType}; it must give a scalar or an instant vector`
  return failure({ kind: 'query-error', message })
}

interface Point {
  readonly metric: Readonly<Record<string, string>>
  readonly value?: readonly [number, string] | undefined
}

function readPoints(points: readonly Point[]): Result<readonly Sample[], ProviderProblem> {
  const samples: Sample[] = []
  for (const { metric, value } of points) {
    if (value === undefined) {
      const message =
        'the query gives a native histogram; it must give numbers: use histogram_quantile() or histogram_count()'
      return failure({ kind: 'query-error', message })
    }
    samples.push({ labels: metric, value: parseValue(value[1]) })
  }
  return success(samples)
}

function parseValue(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  return Number(text)
}

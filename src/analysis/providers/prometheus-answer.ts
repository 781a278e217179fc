import { z } from 'zod'
import { failure, type Result, success } from '../../base/index.ts'
import type { ProviderProblem, Sample } from '../provider.ts'

/** Seconds and the value as text, since JSON has neither NaN nor infinity. */
const pointSchema = z.tuple([z.number(), z.string()])

const dataSchema = z.discriminatedUnion('resultType', [
  z.object({
    resultType: z.literal('vector'),
    // An element without `value` is a native histogram.
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: pointSchema.optional() })),
  }),
  z.object({ resultType: z.literal('scalar'), result: pointSchema }),
  z.object({ resultType: z.literal('matrix') }),
  z.object({ resultType: z.literal('string') }),
])

const answerSchema = z.object({ status: z.literal('success'), data: dataSchema })
const refusalSchema = z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() })

const MAX_SHOWN_CHARACTERS = 300

/** Reads the body of a 200. */
export function parseSuccess(body: string): Result<readonly Sample[], ProviderProblem> {
  const answer = answerSchema.safeParse(parseJson(body))
  if (!answer.success) {
    return failure({ kind: 'provider-down', message: 'the answer is not that of a Prometheus query API' })
  }
  return readData(answer.data.data)
}

/** The server's own reason, ready to follow a status; empty where it gave none. */
export function parseRefusal(body: string): string {
  const refusal = refusalSchema.safeParse(parseJson(body))
  if (!refusal.success) return ''
  return ` ${refusal.data.errorType}: ${refusal.data.error.slice(0, MAX_SHOWN_CHARACTERS)}`
}

function readData(data: z.output<typeof dataSchema>): Result<readonly Sample[], ProviderProblem> {
  if (data.resultType === 'scalar') return success([{ labels: {}, value: parseValue(data.result[1]) }])
  if (data.resultType !== 'vector') {
    const message = `the query gives a ${data.resultType}; it must give a scalar or an instant vector`
    return failure({ kind: 'query-error', message })
  }
  const samples: Sample[] = []
  for (const { metric, value } of data.result) {
    if (value === undefined) {
      return failure({ kind: 'query-error', message: 'the query gives a native histogram; it must give numbers' })
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

import { z } from 'zod'
import { type Result, success } from '../../base/index.ts'
import type { MetricProvider, ProviderOptions, ProviderProblem, Samples } from '../provider.ts'
import type { Window } from '../window.ts'
import type { Question } from './exchange.ts'
import { type FluxRow, parseFlux } from './flux-csv.ts'
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

/** InfluxDB 2's Flux. */
export const createInfluxDbProvider = (options: ProviderOptions): MetricProvider => createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'InfluxDB',
  ask: renderQuestion,
  read: (body, { window }) => readTables(body, window),
  refusal: (body) => refusalSchema.safeParse(body).data?.message,
}

const refusalSchema = z.object({ message: z.string() })

function renderQuestion({ query, address, secret }: Asking): Question {
  return {
    method: 'POST',
    url: `${address.base}/api/v2/query?${new URLSearchParams({ org: requireKey(secret, 'org') })}`,
    headers: {
      authorization: `Token ${requireKey(secret, 'token')}`,
      accept: 'application/csv',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ query, type: 'flux', dialect: { header: true, annotations: ['datatype'] } }),
  }
}

function readTables(body: string, window: Window): Result<Samples, ProviderProblem> {
  const rows = parseFlux(body)
  if (rows === undefined) return providerDown('the answer is not the CSV of InfluxDB')
  const series = new Map<string, Point[]>()
  for (const row of rows) {
    const failed = row.cells.error
    if (failed !== undefined) return queryError(failed.slice(0, 300))
    const point = readPoint(row, window)
    if (!point.ok) return point
    const table = `${row.schema}/${row.cells.table ?? ''}`
    series.set(table, [...(series.get(table) ?? []), point.value])
  }
  return samplesOf([...series.values()].flatMap((points) => newestSample({}, points, window)))
}

const NUMERIC: readonly (string | undefined)[] = ['double', 'long', 'unsignedLong']

function readPoint({ types, cells }: FluxRow, window: Window): Result<Point, ProviderProblem> {
  const { _value: value, _time: time } = cells
  if (value === undefined) return queryError('the query gives no column _value')
  if (!NUMERIC.includes(types._value)) return queryError(`the query gives a ${types._value}; it must give numbers`)
  // An aggregate has no time of its own: it speaks for all that the query reads.
  const atMs = time === undefined || time === '' ? window.endMs : Date.parse(time)
  return success({ atMs, value: value === '' ? null : Number(value) })
}

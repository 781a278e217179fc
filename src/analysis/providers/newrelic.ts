import { z } from 'zod'
import { parseJson, type Result } from '../../base/index.ts'
import type { MetricProvider, ProviderOptions, ProviderProblem, Sample, Samples } from '../provider.ts'
import type { Question } from './exchange.ts'
import {
  type Asking,
  createHttpProvider,
  type Dialect,
  providerDown,
  queryError,
  requireKey,
  SettingsError,
  samplesOf,
} from './http-provider.ts'

/** New Relic's NRQL through NerdGraph. */
export const createNewRelicProvider = (options: ProviderOptions): MetricProvider => createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'New Relic',
  defaultAddress: () => 'https://api.newrelic.com',
  ask: renderQuestion,
  read: (body) => readRows(parseJson(body)),
}

const GRAPHQL =
  'query($account: Int!, $nrql: Nrql!) { actor { account(id: $account) { nrql(query: $nrql) { results } } } }'

const PASSING_ERRORS: readonly string[] = ['TIMEOUT', 'SERVER_ERROR', 'TOO_MANY_REQUESTS']

const rowSchema = z.record(z.string(), z.unknown())
const answerSchema = z.object({
  errors: z
    .array(z.object({ message: z.string(), extensions: z.object({ errorClass: z.string().optional() }).optional() }))
    .nullish(),
  data: z
    .object({
      actor: z
        .object({ account: z.object({ nrql: z.object({ results: z.array(rowSchema) }).nullish() }).nullish() })
        .nullish(),
    })
    .nullish(),
})

function renderQuestion({ query, window, address, secret }: Asking): Question {
  const account = Number(requireKey(secret, 'newrelic_account_id'))
  if (!Number.isSafeInteger(account)) throw new SettingsError('the key newrelic_account_id of the Secret is no number')
  return {
    method: 'POST',
    url: `${address.base}/graphql`,
    headers: { 'api-key': requireKey(secret, 'newrelic_query_key'), 'content-type': 'application/json' },
    body: JSON.stringify({ query: GRAPHQL, variables: { account, nrql: withinWindow(query.trim(), window) } }),
  }
}

/** A query that says no time gets the window: New Relic's own default is the last hour, of every weight. */
function withinWindow(nrql: string, { startMs, endMs }: Asking['window']): string {
  return /\bsince\b/i.test(nrql) ? nrql : `${nrql} SINCE ${Math.floor(startMs)} UNTIL ${Math.ceil(endMs)}`
}

function readRows(body: unknown): Result<Samples, ProviderProblem> {
  const answer = answerSchema.safeParse(body)
  if (!answer.success) return providerDown('the answer is not that of NerdGraph')
  const [error] = answer.data.errors ?? []
  if (error !== undefined) {
    const isPassing = PASSING_ERRORS.includes(error.extensions?.errorClass ?? '')
    return (isPassing ? providerDown : queryError)(error.message.slice(0, 300))
  }
  const rows = answer.data.data?.actor?.account?.nrql?.results
  if (rows === undefined) return providerDown('the answer is not that of NerdGraph')
  const samples: Sample[] = []
  for (const row of newestOf(rows)) {
    const numbers = numbersOf(row)
    if (numbers.length !== 1) return queryError(describeRow(row, numbers.length))
    const [value] = numbers
    if (typeof value === 'number') samples.push({ labels: facetOf(row), value })
  }
  return samplesOf(samples)
}

type Row = z.output<typeof rowSchema>

/** The bounds of a bucket of TIMESERIES, and what a FACET is called: no values. */
const NO_VALUES: ReadonlySet<string> = new Set(['beginTimeSeconds', 'endTimeSeconds', 'facet', 'timestamp'])

/** Rows of TIMESERIES are one series: the newest bucket speaks for it. */
function newestOf(rows: readonly Row[]): readonly Row[] {
  const endOf = (row: Row): number => (typeof row.endTimeSeconds === 'number' ? row.endTimeSeconds : 0)
  const newest = Math.max(0, ...rows.map(endOf))
  return rows.filter((row) => endOf(row) === newest)
}

const facetOf = ({ facet }: Row): Sample['labels'] => (facet === undefined ? {} : { facet: JSON.stringify(facet) })

/** The values of a row; null is an aggregate of nothing. A percentile is an object with one number. */
function numbersOf(row: Row): readonly (number | null)[] {
  const names = typeof row.facet === 'string' ? facetColumns(row, row.facet) : NO_VALUES
  return Object.entries(row)
    .filter(([name]) => !names.has(name))
    .flatMap(([, value]) => (typeof value === 'object' && value !== null ? Object.values(value) : [value]))
    .filter((value): value is number | null => value === null || typeof value === 'number')
}

/** New Relic repeats the facet in a column of its attribute's name. */
const facetColumns = (row: Row, facet: string): ReadonlySet<string> =>
  new Set([...NO_VALUES, ...Object.keys(row).filter((name) => row[name] === facet)])

const describeRow = (row: Row, count: number): string =>
  count === 0
    ? `the query gives no number but ${Object.keys(row).join(', ')}`
    : `the query gives ${count} numbers; select one`

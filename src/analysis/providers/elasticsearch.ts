import { z } from 'zod'
import { parseJson, type Result } from '../../base/index.ts'
import type { MetricProvider, ProviderOptions, ProviderProblem, Samples } from '../provider.ts'
import type { Question } from './exchange.ts'
import {
  type Asking,
  authorizationOf,
  createHttpProvider,
  type Dialect,
  headersOf,
  providerDown,
  SettingsError,
} from './http-provider.ts'
import { readNumberAt } from './number-at.ts'

/** Elasticsearch's (and OpenSearch's) search: the address ends in the index, the query is the body. */
export const createElasticsearchProvider = (options: ProviderOptions): MetricProvider =>
  createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'Elasticsearch',
  ask: renderQuestion,
  read: (body, { options }) => readSearch(parseJson(body), options),
  refusal: (body) => refusalSchema.safeParse(body).data?.error.reason,
}

const refusalSchema = z.object({ error: z.object({ reason: z.string() }) })
const answerSchema = z.object({ timed_out: z.boolean(), _shards: z.object({ failed: z.number() }) })

function renderQuestion({ query, address, secret, options }: Asking): Question {
  if (parseJson(query) === undefined) throw new SettingsError('the query is not JSON: it is the body of a search')
  const apiKey = secret.apiKey === undefined ? {} : { authorization: `ApiKey ${secret.apiKey.trim()}` }
  return {
    method: 'POST',
    url: `${address.base}/_search?size=0&allow_partial_search_results=false`,
    headers: {
      ...headersOf(options),
      ...authorizationOf(secret, address),
      ...apiKey,
      'content-type': 'application/json',
    },
    body: query,
  }
}

function readSearch(body: unknown, options: ProviderOptions): Result<Samples, ProviderProblem> {
  const answer = answerSchema.safeParse(body)
  if (!answer.success) return providerDown('the answer is not that of a search')
  const { timed_out, _shards } = answer.data
  if (timed_out) return providerDown('the search timed out: its answer is incomplete')
  if (_shards.failed > 0) return providerDown(`${_shards.failed} shards failed: the answer is incomplete`)
  return readNumberAt(body, options)
}

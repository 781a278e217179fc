import { parseJson } from '../../base/index.ts'
import type { MetricProvider, ProviderOptions } from '../provider.ts'
import type { Question } from './exchange.ts'
import {
  type Asking,
  authorizationOf,
  createHttpProvider,
  type Dialect,
  headersOf,
  SettingsError,
} from './http-provider.ts'
import { readNumberAt } from './number-at.ts'

/** Any server that answers a GET with JSON: the query is what follows the address, `/path?of=it`. */
export const createWebProvider = (options: ProviderOptions): MetricProvider => createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'the web server',
  ask: renderQuestion,
  read: (body, { options }) => readNumberAt(parseJson(body), options),
}

function renderQuestion({ query, address, secret, options }: Asking): Question {
  const path = query.trim()
  // Only these two keep the host that the template names.
  if (!/^[/?]/.test(path)) throw new SettingsError('the query must begin with / or ?: it follows the address')
  return {
    method: 'GET',
    url: `${address.base}${path}`,
    headers: { ...headersOf(options), ...authorizationOf(secret, address) },
  }
}

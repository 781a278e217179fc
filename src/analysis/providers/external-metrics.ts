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

/**
 * The external metrics API of Kubernetes, asked with the token of the template's own service account: the rights of
 * the controller are not lent to whoever writes a template.
 */
export const createExternalMetricsProvider = (options: ProviderOptions): MetricProvider =>
  createHttpProvider(dialect, options)

const dialect: Dialect = {
  title: 'the external metrics API',
  defaultAddress: () => 'https://kubernetes.default.svc',
  ask: renderQuestion,
  read: (body) => readItems(parseJson(body)),
  refusal: (body) => refusalSchema.safeParse(body).data?.message,
}

const refusalSchema = z.object({ message: z.string() })
const answerSchema = z.object({
  kind: z.literal('ExternalMetricValueList'),
  items: z.array(z.object({ metricLabels: z.record(z.string(), z.string()).nullish(), value: z.string() })),
})

/** `NAMESPACE/METRIC?labelSelector=...`, as Flagger writes it. */
const QUERY = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?)\/([A-Za-z0-9][\w.:|-]*)(?:\?labelSelector=(.+))?$/

function renderQuestion({ query, address, secret }: Asking): Question {
  const [, namespace, , metric, selector] = QUERY.exec(query.trim()) ?? []
  if (namespace === undefined || metric === undefined) {
    throw new SettingsError('the query must be NAMESPACE/METRIC or NAMESPACE/METRIC?labelSelector=SELECTOR')
  }
  const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric)}`
  const search = selector === undefined ? '' : `?${new URLSearchParams({ labelSelector: decodeSelector(selector) })}`
  return {
    method: 'GET',
    url: `${address.base}${path}${search}`,
    headers: { authorization: `Bearer ${requireKey(secret, 'token')}` },
  }
}

/** Flagger wants the selector escaped; a plain one is understood too. */
function decodeSelector(selector: string): string {
  try {
    return decodeURIComponent(selector)
  } catch {
    return selector
  }
}

function readItems(body: unknown): Result<Samples, ProviderProblem> {
  const answer = answerSchema.safeParse(body)
  if (!answer.success) return providerDown('the answer is not that of the external metrics API')
  const samples: Sample[] = []
  for (const { metricLabels, value } of answer.data.items) {
    const quantity = parseQuantity(value)
    if (quantity === undefined) return queryError(`the value ${value.slice(0, 40)} is not a quantity`)
    samples.push({ labels: metricLabels ?? {}, value: quantity })
  }
  return samplesOf(samples)
}

const SCALES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** Kubernetes' numbers: `1500m`, `2Ki`, `1e3`. */
function parseQuantity(text: string): number | undefined {
  const [, digits, suffix = ''] = /^([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)([A-Za-z]{0,2})$/.exec(text) ?? []
  const scale = SCALES[suffix]
  return digits === undefined || scale === undefined ? undefined : Number(digits) * scale
}

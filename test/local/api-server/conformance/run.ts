import type { ApiRequest } from '../../../support/api-request.ts'
import { eventually } from '../../../support/eventually.ts'
import { widgets } from './objects.ts'
import type { Scenario } from './steps.ts'

/** An answer without what differs from run to run. */
export interface Recorded {
  readonly say: string
  readonly status: number
  readonly warnings: readonly string[]
  readonly body: unknown
}

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

export async function prepare(request: ApiRequest): Promise<void> {
  await request('POST', crds, { body: widgets })
  await eventually(async () => (await request('GET', '/apis/example.test/v1alpha3/widgets')).status === 200)
}

export async function runScenario(request: ApiRequest, scenario: Scenario): Promise<readonly Recorded[]> {
  const namespace = scenario.name.replaceAll(/[^a-z]+/g, '-')
  await request('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  })
  // biome-ignore lint/suspicious/noExplicitAny: answers are objects of any kind
  const answers: any[] = []
  const recorded: Recorded[] = []
  for (const { say, method, path, make, ...options } of scenario.steps) {
    const url = (typeof path === 'string' ? path : path(answers)).replace('{ns}', namespace)
    const body = make === undefined ? options.body : make(answers)
    const answer = await request(method, url, { ...options, ...(body === undefined ? {} : { body }) })
    answers.push(answer.body)
    recorded.push({ say, status: answer.status, warnings: answer.warnings, body: sortCauses(normalize(answer.body)) })
  }
  return recorded
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

/** Their order depends on the second in which each was written. */
const sorted = (items: readonly unknown[]): readonly unknown[] =>
  items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

/** Admission plugins that the real server runs without here, or that know the cluster. */
const admitted = new Set(['serviceAccountName', 'serviceAccount'])

function normalize(value: unknown, key = ''): unknown {
  if (key === 'managedFields' && Array.isArray(value)) return sorted(value.map((item) => normalize(item)))
  if (Array.isArray(value)) return value.map((item) => normalize(item, key))
  if (typeof value === 'string') return normalizeText(value, key)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([name]) => !(key === 'spec' && admitted.has(name)))
  return Object.fromEntries(
    members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, child]) => [name, normalize(child, name)]),
  )
}

/** Go walks its maps in any order, so several violations come in any order. */
function sortCauses(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('details' in body)) return body
  const { details } = body
  if (typeof details !== 'object' || details === null || !('causes' in details) || !Array.isArray(details.causes)) {
    return body
  }
  const causes = [...new Set(details.causes.map((cause) => JSON.stringify(cause)))].sort()
  return { ...body, details: { ...details, causes }, ...(causes.length > 1 ? { message: '<several>' } : {}) }
}

function normalizeText(text: string, key: string): string {
  if (key === 'resourceVersion') return '<version>'
  if (key === 'description') return '<text>'
  // The age of what was created a moment ago.
  if (key === 'cells' && /^\d{1,2}s$/.test(text)) return '0s'
  if (key === 'continue' && text !== '') return '<token>'
  if ((key === 'clusterIP' || key === 'clusterIPs') && text !== 'None') return '<address>'
  return text
    .replaceAll(UID, '<uid>')
    .replaceAll(TIME, '<time>')
    .replaceAll(
      /Too large resource version: (\d+), current: \d+/g,
      'Too large resource version: $1, current: <version>',
    )
    .replaceAll(/ResourceVersion in record \(\d+\)/g, 'ResourceVersion in record (<version>)')
    .replaceAll(/"age":"\d+[smh]"/g, '<age>')
}

import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allCustomResourceDefinitions, parseCanary } from '../../src/api/index.ts'
import { isRecord } from '../../src/base/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { type LocalApiServer, startLocalApiServer } from '../support/local-api-server.ts'
import { playCanary } from '../support/played-canary.ts'
import { arbitraryOf, breachesOf, schemaOf, visit, withValueAt } from '../support/structural-schema.ts'

type Fields = Readonly<Record<string, unknown>>

const [crd] = allCustomResourceDefinitions.filter(({ spec }) => spec.names.kind === 'Canary')
if (crd === undefined) throw new Error('there is no CRD of Canaries')
const schema = schemaOf(crd)
const breaches = visit(schema).flatMap(breachesOf)

/** What the rules across fields want: most of what is generated without them breaks one. */
function mend(spec: Fields): Fields {
  const {
    match: _1,
    iterations: _2,
    stepWeights: _3,
    maxWeight: _4,
    metrics: _5,
    ...analysis
  } = spec.analysis as Fields
  const { autoscalerRef: _6, metricsServer: _7, ...rest } = spec
  const { match: _8, rewrite: _9, corsPolicy: _10, delegation: _11, ...service } = spec.service as Fields
  const webhooks = ((analysis.webhooks ?? []) as readonly Fields[]).map((hook) => ({ ...hook, url: 'http://gate/' }))
  const steps = { stepWeight: 20, interval: '5s', mirror: false, mirrorWeight: 50, mirrorMethods: ['GET'] }
  const targetRef = { kind: 'Deployment', name: 'web' }
  return { ...rest, targetRef, service, analysis: { ...analysis, ...steps, webhooks } }
}

const textKinds = ['exact', 'prefix', 'suffix', 'regex']
const isText = (value: unknown): value is Fields =>
  isRecord(value) && Object.keys(value).every((kind) => textKinds.includes(kind))
const oneText = (value: unknown): unknown => (isText(value) ? { exact: 'a' } : value)

/** No schema says what an expression is, and delegates are for another data plane than the one that is played. */
const mendField = (name: string, value: unknown): unknown => {
  if (name === 'delegation') return false
  if (name === 'rewrite') return isRecord(value) ? { uri: '/', ...value } : value
  if (name === 'allowOrigins') return Array.isArray(value) ? value.map(oneText) : value
  if (['uri', 'scheme', 'method', 'authority'].includes(name)) return oneText(value)
  if (!['headers', 'withoutHeaders', 'queryParams'].includes(name) || !isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, oneText(text)]))
}

const mendService = (spec: Fields): Fields => JSON.parse(JSON.stringify(spec), mendField)

const generated = (arbitraryOf(schema) as fc.Arbitrary<Fields>).map(mendService)
const specs: fc.Arbitrary<Fields> = fc.oneof(
  { weight: 1, arbitrary: generated },
  { weight: 2, arbitrary: generated.map(mend) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(generated.map(mend), fc.constantFrom(...breaches))
      .map(([spec, { path, value }]) => breakAt(spec, path, value)),
  },
)

/** Nothing is broken where the spec has no such field. */
function breakAt(spec: Fields, path: string, value: unknown): Fields {
  try {
    return withValueAt(spec, path, value) as Fields
  } catch {
    return spec
  }
}

let api: LocalApiServer

beforeAll(async () => {
  api = await startLocalApiServer()
  await applyCrds(api, allCustomResourceDefinitions)
})

afterAll(() => api?.stop())

const canaryOf = (spec: Fields) => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'Canary',
  metadata: { name: 'web', namespace: 'default' },
  spec,
})

const seen = { accepted: 0, refused: 0, routed: 0 }

test('what the schema generates is taken or refused alike by API server and parser, and harms nobody', async () => {
  await fc.assert(
    fc.asyncProperty(specs, async (spec) => {
      const { status, body } = await api.request('POST', '/apis/sluice.dev/v1/namespaces/default/canaries?dryRun=All', {
        body: canaryOf(spec),
      })
      const isAccepted = status === 201
      expect({ isAccepted, parsed: parseCanary(canaryOf(spec)) }).toMatchObject({ parsed: { ok: isAccepted } })
      if (!isAccepted) expect(fieldsOf(body)).toEqual(fieldsOf(body).filter(isNamed))
      const { refusal, routes, ...harm } = await playCanary(isAccepted ? body.spec : spec)
      expect(harm).toEqual({ isUntouched: true, strangers: [], failures: [] })
      if (isAccepted) expect(refusal).toBeUndefined()
      else expect(refusal).toMatch(/^spec(\.[\w.[\]]+)?: /)
      seen[isAccepted ? 'accepted' : 'refused'] += 1
      seen.routed += routes
    }),
    { numRuns: 200 },
  )
  // So that the property is of something.
  expect(Math.min(seen.accepted, seen.refused, seen.routed)).toBeGreaterThan(5)
}, 180_000)

const fieldsOf = (body: { readonly details?: { readonly causes?: readonly { readonly field: string }[] } }) =>
  (body.details?.causes ?? [{ field: 'no cause is given' }]).map(({ field }) => field)

/** The last is said of all the rules that were not looked at. */
const isNamed = (field: string): boolean => /^spec([.[]|$)/.test(field) || field === '<nil>'

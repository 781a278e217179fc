import { expect, test } from 'vitest'
import { allCustomResourceDefinitions, type CustomResourceDefinition } from '../../src/api/index.ts'
import type { ApiRequest } from './api-request.ts'
import { badObjects } from './bad-objects.ts'
import { canary, rawCanary } from './raw-canary.ts'
import { anywhere, breachesOf, schemaOf, visit, wholeValue, withValueAt } from './structural-schema.ts'

const SLUICE = '/apis/sluice.dev/v1/namespaces/default'
const CLUSTER = '/apis/sluice.dev/v1'
const ISTIO = '/apis/networking.istio.io'

/** What our CRDs promise wherever they are served: the same tests for a real kube-apiserver and for the local one. */
export function describeCrds(request: ApiRequest): void {
  test.each(badObjects)('refuses $rule', async ({ resource, object, field, message }) => {
    const { status, body } = await request('POST', `${SLUICE}/${resource}?dryRun=All`, { body: object })
    expect({ status, reason: body.reason }).toEqual({ status: 422, reason: 'Invalid' })
    const causes: readonly { field: string; message: string }[] = body.details.causes
    const named = causes.filter((cause) => cause.message.endsWith(message))
    expect(
      named.map((cause) => cause.field),
      JSON.stringify(causes),
    ).toEqual([field])
  })

  test.each(allCustomResourceDefinitions.map((crd) => [crd.spec.names.plural, crd] as const))(
    'refuses what breaks a bound of %s, each by its field',
    async (plural, crd) => {
      const schema = schemaOf(crd)
      const whole = wholeValue(schema)
      const path = crd.spec.scope === 'Namespaced' ? `${SLUICE}/${plural}` : `${CLUSTER}/${plural}`
      const breaches = visit(schema).flatMap(breachesOf)
      expect(breaches.length).toBeGreaterThan(10)
      const unnamed: string[] = []
      for (const breach of breaches) {
        const { status, body } = await request('POST', `${path}?dryRun=All`, {
          body: { ...named(crd), spec: withValueAt(whole, breach.path, breach.value) },
        })
        const causes: readonly { field: string; message: string }[] = body.details?.causes ?? []
        // The structural part of a schema spells keys of maps as fields, CEL in brackets.
        const spelled = breach.path.replaceAll('[*]', '.a')
        const isNamed = causes.some(({ field, message }) => anywhere(field) === spelled && message !== '')
        if (status !== 422 || !isNamed) unnamed.push(`${breach.name}: ${status} ${JSON.stringify(causes)}`)
      }
      expect(unnamed).toEqual([])
    },
  )

  test('fills the defaults of a Canary as our parser does', async () => {
    const { status, warnings, body } = await request('POST', `${SLUICE}/canaries?fieldValidation=Strict`, {
      body: rawCanary({ name: 'good', analysis: { metrics: [{ name: 'request-success-rate' }] } }),
    })
    const expected = canary({ name: 'good', analysis: { metrics: [{ name: 'request-success-rate' }] } })
    expect({ status, warnings, spec: body.spec }).toEqual({ status: 201, warnings: [], spec: expected.spec })
  })

  test('takes a port by number and by name, and refuses one out of range', async () => {
    const answer = async (targetPort: unknown) => {
      const body = rawCanary({ name: 'ports', spec: { service: { port: 80, targetPort } } })
      return (await request('POST', `${SLUICE}/canaries?dryRun=All`, { body })).status
    }
    expect(await Promise.all([8080, 'http', 0, 70_000, 'x'.repeat(64), 1.5].map(answer))).toEqual([
      201, 201, 422, 422, 422, 422,
    ])
  })

  test('keeps status apart from spec', async () => {
    await request('POST', `${SLUICE}/canaries`, { body: rawCanary({ name: 'phases' }) })
    const patch = { spec: { suspend: true }, status: { phase: 'Initialized', canaryWeight: 0 } }
    const { status, body } = await request('PATCH', `${SLUICE}/canaries/phases/status`, {
      body: patch,
      contentType: 'application/merge-patch+json',
    })
    expect({ status, generation: body.metadata.generation, suspend: body.spec.suspend, now: body.status }).toEqual({
      status: 200,
      generation: 1,
      suspend: false,
      now: patch.status,
    })
  })

  test('keeps what Istio knows and we do not, in each version it serves', async () => {
    const spec = {
      hosts: ['web'],
      http: [{ fault: { abort: { httpStatus: 500 } }, route: [{ destination: { host: 'web' }, weight: 100 }] }],
    }
    const body = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'VirtualService',
      metadata: { name: 'web', namespace: 'default' },
      spec,
    }
    const path = `${ISTIO}/v1alpha3/namespaces/default/virtualservices?fieldValidation=Strict`
    const created = await request('POST', path, { body })
    expect({ status: created.status, warnings: created.warnings }).toEqual({ status: 201, warnings: [] })
    const read = await request('GET', `${ISTIO}/v1/namespaces/default/virtualservices/web`)
    expect({ apiVersion: read.body.apiVersion, spec: read.body.spec }).toEqual({
      apiVersion: 'networking.istio.io/v1',
      spec,
    })
  })

  test('prints the columns of Flagger', async () => {
    await request('POST', `${SLUICE}/canaries`, { body: rawCanary({ name: 'printed' }) })
    const { body } = await request('GET', `${SLUICE}/canaries/printed`, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    })
    const columns: readonly { name: string; priority: number }[] = body.columnDefinitions
    expect(columns.filter(({ priority }) => priority === 0).map(({ name }) => name)).toEqual([
      'Name',
      'Status',
      'Weight',
      'LastTransitionTime',
    ])
    expect(body.rows[0].cells.slice(0, 9)).toEqual(['printed', null, null, null, false, null, '30s', true, 10])
  })
}

const named = ({ spec }: CustomResourceDefinition) => ({
  apiVersion: 'sluice.dev/v1',
  kind: spec.names.kind,
  metadata: { name: 'bad', ...(spec.scope === 'Namespaced' ? { namespace: 'default' } : {}) },
})

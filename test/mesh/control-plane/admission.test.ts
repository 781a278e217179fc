import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { istioCustomResourceDefinitions } from '../../../src/api/index.ts'
import { serveWebhooks, type WebhookServerOptions } from '../../../src/cli/webhook-server.ts'
import { reviewAdmission } from '../../../src/mesh/control-plane/admission.ts'
import { countedReviews } from '../../../src/mesh/control-plane/index.ts'
import { createInjectionReview, injectionSettingsSchema, valuesOfOperator } from '../../../src/mesh/injector/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { applyCrds } from '../../support/apply-crds.ts'
import { createCertificate } from '../../support/certificate.ts'
import { temporaryDirectory } from '../../support/directory.ts'
import { envoyPath } from '../../support/envoy.ts'
import { eventually } from '../../support/eventually.ts'
import { CHART, startHelm } from '../../support/helm.ts'
import { containerOf, plainPod, validate } from '../../support/injection.ts'
import { type KubeApiserver, startKubeApiserver } from '../../support/kube-apiserver.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../../support/kube-binaries.ts'
import { serviceOf, sidecarOf, virtualServiceOf } from '../../support/mesh-objects.ts'

const good = virtualServiceOf('web', { http: [{ route: [{ destination: { host: 'web' } }] }] })
const bad = virtualServiceOf('web', {
  http: [{ match: [{ uri: { regex: '(' } }], route: [{ destination: { host: 'web' } }], ...{ delegate: {} } }],
})
const review = (object: unknown, oldObject?: unknown) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'u-1', operation: oldObject ? 'UPDATE' : 'CREATE', object, oldObject: oldObject ?? null },
})
const denial =
  'spec.http[0].match[0].uri.regex: must be an RE2 expression: missing closing ): `(` (InvalidRegex); spec.http[0].delegate: this mesh does not support the field: write the rules of the other VirtualService here (UnsupportedField)'

const checked = (check: string) =>
  serviceOf('web', { metadata: { annotations: { 'mesh.sluice.dev/health-check': check } } })
const healthCheckDenial = ['path: must begin with "/"', 'timeout: must be longer than 0s']
  .map((problem) => `metadata.annotations.mesh.sluice.dev/health-check: ${problem} (InvalidValue)`)
  .join('; ')

describe('a review', () => {
  const rows: readonly (readonly [string, unknown, object | undefined])[] = [
    ['of what is right is allowed', review(good), { uid: 'u-1', allowed: true }],
    [
      'of what the mesh refuses is denied with every field',
      review(bad),
      { uid: 'u-1', allowed: false, status: { code: 422, reason: 'Invalid', message: denial } },
    ],
    [
      'of a change to the worse is denied',
      review(bad, good),
      { uid: 'u-1', allowed: false, status: { code: 422, reason: 'Invalid', message: denial } },
    ],
    [
      'of a label on what was refused before is allowed',
      review({ ...bad, metadata: { ...bad.metadata, labels: { a: 'b' } } }, bad),
      { uid: 'u-1', allowed: true },
    ],
    [
      'of a Service with a health check that cannot be followed is denied, also when its spec stays',
      review(checked('path: healthz\ntimeout: 0s'), checked('path: /healthz')),
      { uid: 'u-1', allowed: false, status: { code: 422, reason: 'Invalid', message: healthCheckDenial } },
    ],
    ['of a Service that says nothing to the mesh is allowed', review(serviceOf('web')), { uid: 'u-1', allowed: true }],
    [
      'of an object whose name is yet to be made is allowed',
      review({ ...sidecarOf('', {}), metadata: { generateName: 'a-' } }),
      { uid: 'u-1', allowed: true },
    ],
    [
      'of a policy that the mesh refuses is denied',
      review({
        ...{ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'a', namespace: 'b' } },
        spec: { rules: [{ when: [{ key: 'source.name', values: ['a'] }] }] },
      }),
      {
        uid: 'u-1',
        allowed: false,
        status: {
          code: 422,
          reason: 'Invalid',
          message: 'spec.rules[0].when[0].key: this mesh does not know source.name (UnsupportedField)',
        },
      },
    ],
    ['of something else is none', { kind: 'AdmissionReview' }, undefined],
  ]
  test.each(rows)('%s', (_, body, response) => {
    expect(reviewAdmission(body)).toEqual(
      response && { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response },
    )
  })
})

/** The webhook as the mesh serves it. */
async function startWebhook(answers: WebhookServerOptions['answers'] = {}) {
  const directory = await temporaryDirectory()
  const { cert, key } = await createCertificate()
  await writeFile(join(directory.path, 'tls.crt'), cert)
  await writeFile(join(directory.path, 'tls.key'), key)
  const stop = new AbortController()
  const registry = new Registry()
  const listening = Promise.withResolvers<number>()
  const running = serveWebhooks(
    {
      listen: '127.0.0.1:0',
      certificateDirectory: directory.path,
      answers: { '/validate': countedReviews(registry), ...answers },
      clock: systemClock,
      log: silentLogger,
      onListening: listening.resolve,
    },
    stop.signal,
  )
  const port = await Promise.race([listening.promise, running.then(() => Promise.reject(new Error('it ended')))])
  return {
    port,
    cert,
    registry,
    async stop() {
      stop.abort()
      await running
      await directory[Symbol.asyncDispose]()
    },
  }
}

test('over HTTPS: reviews are answered, anything else is refused', async () => {
  const webhook = await startWebhook()
  const ask = (path: string, body: string, method = 'POST') =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port: webhook.port, path, method, ca: webhook.cert, agent: false },
        (response) => void text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer })),
      )
      asked.on('error', reject)
      asked.setHeader('content-length', Buffer.byteLength(body))
      asked.end(body)
    })
  const answered = await ask('/validate?timeout=5s', JSON.stringify(review(bad)))
  expect(answered.status).toBe(200)
  expect(JSON.parse(answered.body).response.status.message).toBe(denial)
  const resource = { group: 'networking.istio.io', version: 'v1', resource: 'virtualservices' }
  for (const object of [good, bad, bad]) {
    const { request: asked, ...rest } = review(object)
    await ask('/validate', JSON.stringify({ ...rest, request: { ...asked, resource } }))
  }
  const labels = 'group="networking.istio.io",version="v1",resource="virtualservices"'
  const counted = (await webhook.registry.metrics()).split('\n').filter((line) => line.startsWith('galley_'))
  expect(counted).toEqual([
    `galley_validation_passed{${labels}} 1`,
    `galley_validation_failed{${labels},reason="Invalid"} 2`,
  ])
  expect((await ask('/validate', '{"kind":"Pod"}')).status).toBe(400)
  expect((await ask('/validate', '{')).status).toBe(400)
  expect((await ask('/elsewhere', '{}')).status).toBe(404)
  expect((await ask('/validate', '', 'GET')).status).toBe(404)
  await webhook.stop()
})

const skipped = skipReason('the admission webhooks behind a real kube-apiserver', 'etcd', 'kube-apiserver', 'helm')
const operatorFile = join(import.meta.dirname, '../acceptance/S04-8-operator.yaml')

/** What the chart installs for an IstioOperator: the settings of sidecars, and when the API server asks for one. */
async function renderInjection() {
  await using directory = await temporaryDirectory()
  const values = valuesOfOperator(parse(await readFile(operatorFile, 'utf8')))
  if (!values.ok) throw new Error(values.error)
  await writeFile(join(directory.path, 'values.yaml'), stringify(values.value))
  const helm = await startHelm()
  const objects = await helm.render('template', 'sluice', CHART, '-f', join(directory.path, 'values.yaml'))
  await helm.stop()
  const settings = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && /injection/.test(metadata.name))
  const configuration = objects.find(({ kind }) => kind === 'MutatingWebhookConfiguration')
  return { settings: injectionSettingsSchema.parse(JSON.parse(settings?.data['settings.json'])), configuration }
}

describe.skipIf(skipped !== undefined)('behind a real kube-apiserver', () => {
  let kube: KubeApiserver
  let webhook: Awaited<ReturnType<typeof startWebhook>>
  beforeAll(async () => {
    const injection = await renderInjection()
    webhook = await startWebhook({ '/inject': createInjectionReview(injection.settings) })
    kube = await startKubeApiserver()
    const own = {
      url: `https://127.0.0.1:${webhook.port}/inject`,
      caBundle: Buffer.from(webhook.cert).toString('base64'),
    }
    const mutating = await kube.request('POST', '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', {
      body: {
        ...injection.configuration,
        webhooks: injection.configuration?.webhooks.map((each: object) => ({ ...each, clientConfig: own })),
      },
    })
    expect(mutating.status).toBe(201)
    await createNamespace('shop', { 'istio-injection': 'enabled' })
    await createNamespace('other', {})
    await createNamespace('declined', { 'istio-injection': 'disabled' })
    await applyCrds(kube, istioCustomResourceDefinitions)
    const { status } = await kube.request(
      'POST',
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      {
        body: {
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: 'ValidatingWebhookConfiguration',
          metadata: { name: 'mesh' },
          webhooks: [
            {
              name: 'validation.mesh.sluice.dev',
              clientConfig: {
                url: `https://127.0.0.1:${webhook.port}/validate`,
                caBundle: Buffer.from(webhook.cert).toString('base64'),
              },
              rules: [
                {
                  apiGroups: ['networking.istio.io'],
                  apiVersions: ['v1', 'v1beta1', 'v1alpha3'],
                  operations: ['CREATE', 'UPDATE'],
                  resources: ['virtualservices', 'sidecars'],
                },
              ],
              admissionReviewVersions: ['v1'],
              sideEffects: 'None',
              failurePolicy: 'Fail',
            },
          ],
        },
      },
    )
    expect(status).toBe(201)
  }, BUILD_TIMEOUT_MS)
  afterAll(async () => {
    await kube?.stop()
    await webhook?.stop()
  })

  const createNamespace = (name: string, labels: object) =>
    kube.request('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    })
  const createPod = (namespace: string, pod: object) =>
    kube.request('POST', `/api/v1/namespaces/${namespace}/pods?fieldValidation=Strict`, { body: pod })

  const create = (version: string, name: string, spec: object) =>
    kube.request('POST', `/apis/networking.istio.io/${version}/namespaces/default/virtualservices`, {
      body: { apiVersion: `networking.istio.io/${version}`, kind: 'VirtualService', metadata: { name }, spec },
    })

  test.each(['v1', 'v1beta1', 'v1alpha3'])(
    '%s: what is right is stored, what is not comes back with its fields',
    async (version) => {
      // The API server takes a new configuration up a moment later.
      await eventually(async () => {
        const { status, body } = await create(version, `bad-${version}`, bad.spec)
        if (status === 201) {
          await kube.request('DELETE', `/apis/networking.istio.io/v1/namespaces/default/virtualservices/bad-${version}`)
        }
        expect({ status, message: body.message }).toEqual({
          status: 422,
          message: `admission webhook "validation.mesh.sluice.dev" denied the request: ${denial}`,
        })
      })
      expect((await create(version, `good-${version}`, good.spec)).status).toBe(201)
    },
  )

  test('S04-8-operator: a pod of a namespace that asks for sidecars gets the one that the operator’s settings describe', async () => {
    // The API server takes a new configuration up a moment later.
    const pod = await eventually(async () => {
      const { body, status } = await createPod('shop', plainPod())
      expect({ status, message: body.message, names: containersOf(body) }).toEqual({
        status: 201,
        message: undefined,
        names: ['istio-init', 'istio-proxy', 'web', 'rpc'],
      })
      return body
    })
    expect(containerOf(pod, 'istio-proxy')).toMatchObject({
      args: expect.arrayContaining(['--concurrency', '2']),
      restartPolicy: 'Always',
      resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
    })
    expect(containerOf(pod, 'web').readinessProbe.httpGet).toMatchObject({
      path: '/app-health/web/readyz',
      port: 15_020,
    })
    expect(await validate(await envoyPath(), pod)).toContain('OK')
  })

  const label = (inject: string) => ({ labels: { 'sidecar.istio.io/inject': inject } })
  test.each([
    ['shop', 'that declines by its label', plainPod(label('false')), false],
    [
      'shop',
      'that declines by its annotation',
      plainPod({ annotations: { 'sidecar.istio.io/inject': 'false' } }),
      false,
    ],
    ['other', 'that says nothing', plainPod(), false],
    ['other', 'that asks by its label', plainPod(label('true')), true],
    ['declined', 'that asks by its label', plainPod(label('true')), false],
    ['kube-system', 'that asks by its label', plainPod(label('true')), false],
  ])('in %s a pod %s', async (namespace, _, pod, isInjected) => {
    await eventually(async () => {
      const { status, body } = await createPod(namespace, pod)
      expect(status).toBe(201)
      expect(containersOf(body).includes('istio-proxy')).toBe(isInjected)
    })
  })

  test('what cannot be injected is refused with what is wrong', async () => {
    const { status, body } = await createPod('shop', plainPod({ annotations: { 'sidecar.istio.io/proxyMemory': 'x' } }))
    expect({ status, message: body.message }).toEqual({
      status: 422,
      message: expect.stringContaining('sidecar.istio.io/proxyMemory: must be a quantity such as 200m or 128Mi'),
    })
  })
})

const containersOf = ({
  spec,
}: {
  readonly spec?: { readonly [list: string]: readonly { readonly name: string }[] }
}) => [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ name }) => name)

import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { istioCustomResourceDefinitions } from '../../../src/api/index.ts'
import { serveWebhooks } from '../../../src/cli/webhook-server.ts'
import { reviewAdmission } from '../../../src/mesh/control-plane/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { applyCrds } from '../../support/apply-crds.ts'
import { createCertificate } from '../../support/certificate.ts'
import { temporaryDirectory } from '../../support/directory.ts'
import { eventually } from '../../support/eventually.ts'
import { type KubeApiserver, startKubeApiserver } from '../../support/kube-apiserver.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../../support/kube-binaries.ts'
import { sidecarOf, virtualServiceOf } from '../../support/mesh-objects.ts'

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
  'spec.http[0].match[0].uri.regex: must be an RE2 expression (InvalidRegex); spec.http[0].delegate: this mesh does not support the field (UnsupportedField)'

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
      'of an object whose name is yet to be made is allowed',
      review({ ...sidecarOf('', {}), metadata: { generateName: 'a-' } }),
      { uid: 'u-1', allowed: true },
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
async function startWebhook() {
  const directory = await temporaryDirectory()
  const { cert, key } = await createCertificate()
  await writeFile(join(directory.path, 'tls.crt'), cert)
  await writeFile(join(directory.path, 'tls.key'), key)
  const stop = new AbortController()
  const listening = Promise.withResolvers<number>()
  const running = serveWebhooks(
    {
      listen: '127.0.0.1:0',
      certificateDirectory: directory.path,
      answers: { '/validate': reviewAdmission },
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
  expect((await ask('/validate', '{"kind":"Pod"}')).status).toBe(400)
  expect((await ask('/validate', '{')).status).toBe(400)
  expect((await ask('/elsewhere', '{}')).status).toBe(404)
  expect((await ask('/validate', '', 'GET')).status).toBe(404)
  await webhook.stop()
})

const skipped = skipReason('the admission webhook behind a real kube-apiserver', 'etcd', 'kube-apiserver')

describe.skipIf(skipped !== undefined)('behind a real kube-apiserver', () => {
  let kube: KubeApiserver
  let webhook: Awaited<ReturnType<typeof startWebhook>>
  beforeAll(async () => {
    webhook = await startWebhook()
    kube = await startKubeApiserver()
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
})

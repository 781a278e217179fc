import { createSign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKubeClient } from '../../src/kube/index.ts'
import { authenticateByTokenReview } from '../../src/mesh/control-plane/index.ts'
import { type KubeApiserver, startKubeApiserver } from '../support/kube-apiserver.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'

const skipped = skipReason('tokens of proxies on a real kube-apiserver', 'etcd', 'kube-apiserver')
const namespace = 'shop'
const core = `/api/v1/namespaces/${namespace}`

/** The tokens are those that a kubelet would project into pods. */
describe.skipIf(skipped !== undefined)('a proxy shows who it is by a token of Kubernetes', () => {
  let kube: KubeApiserver
  let uid = ''
  beforeAll(async () => {
    kube = await startKubeApiserver()
    await kube.request('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } })
    await kube.request('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'web' } } })
    const spec = { serviceAccountName: 'web', containers: [{ name: 'app', image: 'app:1' }] }
    uid = (await kube.request('POST', `${core}/pods`, { body: { metadata: { name: 'web-0' }, spec } })).body.metadata
      .uid
  }, BUILD_TIMEOUT_MS)
  afterAll(() => kube?.stop())

  async function project(audience: string, pod: object | null = { name: 'web-0', uid }): Promise<string> {
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', ...pod }
    const spec = { audiences: [audience], expirationSeconds: 600, ...(pod === null ? {} : { boundObjectRef }) }
    const { body } = await kube.request('POST', `${core}/serviceaccounts/web/token`, { body: { spec } })
    return String(body.status.token)
  }
  const authenticate = (token: string) =>
    authenticateByTokenReview(createKubeClient({ kubeconfig: kube.kubeconfig, fieldManager: 'test' }))(token)

  /** The token with other claims, signed by the cluster's own key. */
  async function signedAgain(token: string, change: object): Promise<string> {
    const [head = '', payload = ''] = token.split('.')
    const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ...change }
    const text = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
    const key = await readFile(join(kube.folder, 'service-account.pem'))
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`
  }

  test('one for the mesh names its pod', async () => {
    expect(await authenticate(await project('sluice-mesh'))).toEqual({ namespace, pod: 'web-0' })
  })

  test('one for others, of no pod, expired, changed or made up is refused', async () => {
    const own = await project('sluice-mesh')
    const now = Math.floor(Date.now() / 1_000)
    // Signed rightly, it is still good: what refuses the next one is its age.
    expect(await authenticate(await signedAgain(own, {}))).toEqual({ namespace, pod: 'web-0' })
    const refused = [
      await project('https://kubernetes.default.svc'),
      await project('sluice-mesh', null),
      await signedAgain(own, { iat: now - 7_200, nbf: now - 7_200, exp: now - 3_600 }),
      `${own.slice(0, -8)}AAAAAAAA`,
      'nonsense',
      '',
    ]
    for (const token of refused) expect(await authenticate(token)).toBeUndefined()
  })

  test('one of a pod that is gone is refused', async () => {
    const token = await project('sluice-mesh')
    await kube.request('DELETE', `${core}/pods/web-0?gracePeriodSeconds=0`)
    expect(await authenticate(token)).toBeUndefined()
  })
})

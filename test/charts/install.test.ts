import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { istioCustomResourceDefinitions } from '../../src/api/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { eventually } from '../support/eventually.ts'
import { CHART, type Helm, startHelm } from '../support/helm.ts'
import { installChart } from '../support/install-chart.ts'
import { type KubeApiserver, startKubeApiserver } from '../support/kube-apiserver.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { rawCanary } from '../support/raw-canary.ts'

const skipped = skipReason('the chart on a real kube-apiserver', 'helm', 'etcd', 'kube-apiserver')
const NAMESPACE = 'sluice-system'
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const deploymentPath = (name: string) => `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`

/** Which names may do what, as the API server sees it. */
interface Permission {
  readonly label: string
  readonly account: 'sluice-controller' | 'sluice-mesh'
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
}

const may = (account: Permission['account'], verb: string, path: string, namespace?: string): Permission => {
  const [group = '', resource = '', subresource] = path.split('/')
  return {
    label: `${account} may ${verb} ${path}${namespace === undefined ? '' : ` in ${namespace}`}`,
    account,
    verb,
    group,
    resource,
    ...(subresource ? { subresource } : {}),
    ...(namespace ? { namespace } : {}),
  }
}

const meshKinds = ['virtualservices', 'destinationrules', 'gateways', 'sidecars', 'serviceentries', 'workloadentries']

const securityKinds = ['peerauthentications', 'authorizationpolicies', 'requestauthentications']

const needed: readonly Permission[] = [
  ...['get', 'list', 'watch', 'patch'].map((verb) => may('sluice-controller', verb, 'sluice.dev/canaries')),
  may('sluice-controller', 'update', 'sluice.dev/canaries/status'),
  ...['list', 'watch', 'create', 'delete'].map((verb) => may('sluice-controller', verb, 'sluice.dev/canaryruns')),
  may('sluice-controller', 'update', 'sluice.dev/canaryruns/status'),
  ...['list', 'watch'].map((verb) => may('sluice-controller', verb, 'sluice.dev/metrictemplates')),
  ...['list', 'watch'].map((verb) => may('sluice-controller', verb, 'sluice.dev/clustermetrictemplates')),
  may('sluice-controller', 'get', 'sluice.dev/alertproviders'),
  ...['list', 'watch', 'create', 'update', 'patch'].map((verb) => may('sluice-controller', verb, 'apps/deployments')),
  ...['list', 'watch', 'create', 'update'].map((verb) => may('sluice-controller', verb, '/services')),
  ...['list', 'watch', 'create', 'update'].map((verb) =>
    may('sluice-controller', verb, 'networking.istio.io/virtualservices'),
  ),
  ...['list', 'watch', 'create', 'update', 'delete'].map((verb) =>
    may('sluice-controller', verb, 'networking.istio.io/destinationrules'),
  ),
  ...['get', 'list', 'watch', 'create', 'patch', 'delete'].map((verb) => may('sluice-controller', verb, '/configmaps')),
  ...['list', 'watch', 'create', 'update'].map((verb) =>
    may('sluice-controller', verb, 'autoscaling/horizontalpodautoscalers'),
  ),
  ...['list', 'watch', 'create', 'update', 'patch'].map((verb) =>
    may('sluice-controller', verb, 'keda.sh/scaledobjects'),
  ),
  may('sluice-controller', 'list', '/pods'),
  may('sluice-controller', 'list', 'discovery.k8s.io/endpointslices'),
  may('sluice-controller', 'get', '/namespaces'),
  ...['create', 'patch'].map((verb) => may('sluice-controller', verb, '/events')),
  ...['get', 'create', 'update'].map((verb) => may('sluice-controller', verb, 'coordination.k8s.io/leases', NAMESPACE)),
  may('sluice-controller', 'get', '/secrets', 'team-a'),
  ...['namespaces', 'pods', 'services'].flatMap((kind) =>
    ['list', 'watch'].map((verb) => may('sluice-mesh', verb, `/${kind}`)),
  ),
  may('sluice-mesh', 'watch', 'discovery.k8s.io/endpointslices'),
  ...meshKinds.map((kind) => may('sluice-mesh', 'watch', `networking.istio.io/${kind}`)),
  ...meshKinds.map((kind) => may('sluice-mesh', 'patch', `networking.istio.io/${kind}/status`)),
  ...securityKinds.map((kind) => may('sluice-mesh', 'watch', `security.istio.io/${kind}`)),
  ...securityKinds.map((kind) => may('sluice-mesh', 'patch', `security.istio.io/${kind}/status`)),
  may('sluice-mesh', 'watch', 'telemetry.istio.io/telemetries'),
  may('sluice-mesh', 'patch', 'telemetry.istio.io/telemetries/status'),
  may('sluice-mesh', 'create', 'authentication.k8s.io/tokenreviews'),
  ...['secrets', 'configmaps'].map((kind) => may('sluice-mesh', 'create', `/${kind}`, NAMESPACE)),
  may('sluice-controller', 'patch', 'sluice.dev/imagepolicies/status'),
]

const forbidden: readonly Permission[] = [
  may('sluice-controller', 'get', '/secrets'),
  may('sluice-controller', 'get', '/secrets', NAMESPACE),
  may('sluice-controller', 'list', '/secrets', 'team-a'),
  may('sluice-controller', 'delete', 'sluice.dev/canaries'),
  may('sluice-controller', 'update', 'sluice.dev/metrictemplates'),
  may('sluice-controller', 'update', 'sluice.dev/clustermetrictemplates'),
  may('sluice-controller', 'update', 'coordination.k8s.io/leases', 'kube-system'),
  may('sluice-controller', 'create', '/pods'),
  may('sluice-controller', 'patch', 'networking.istio.io/virtualservices/status'),
  may('sluice-mesh', 'update', 'networking.istio.io/virtualservices'),
  may('sluice-mesh', 'get', '/secrets', NAMESPACE),
  may('sluice-mesh', 'patch', '/pods'),
  may('sluice-mesh', 'create', '/events'),
]

describe.skipIf(skipped !== undefined)('on a real cluster', () => {
  let kube: KubeApiserver
  let helm: Helm
  const values = ['--namespace', NAMESPACE, '--set', 'controller.readSecretsIn={team-a}']

  beforeAll(async () => {
    kube = await startKubeApiserver()
    helm = await startHelm(kube.kubeconfig)
    await createNamespace(NAMESPACE, {
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
    })
    await createNamespace('team-a', {})
    await installChart(kube, helm, ...values)
  }, BUILD_TIMEOUT_MS)

  afterAll(async () => {
    await helm?.stop()
    await kube?.stop()
  })

  const createNamespace = (name: string, labels: object) =>
    kube.request('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    })

  const crd = async (name: string) => (await kube.request('GET', `${CRDS}/${name}`)).body

  const isAllowed = async ({ account, verb, group, resource, subresource, namespace }: Permission) => {
    const { body } = await kube.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: `system:serviceaccount:${NAMESPACE}:${account}`,
          resourceAttributes: { verb, group, resource, subresource, namespace },
        },
      },
    })
    return body.status.allowed
  }

  test('each object has only fields that the API server knows', async () => {
    const objects = await helm.render('template', 'sluice', CHART, ...values)
    for (const object of objects.filter(({ kind }) => kind !== 'CustomResourceDefinition')) {
      const resource = `${object.kind.toLowerCase()}s`.replace('policys', 'policies')
      const root = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`
      const scope = object.metadata.namespace === undefined ? '' : `/namespaces/${object.metadata.namespace}`
      const path = `${root}${scope}/${resource}/${object.metadata.name}?dryRun=All&fieldValidation=Strict`
      const apply = { body: object, contentType: 'application/apply-patch+yaml' }
      const { status, warnings, body } = await kube.request('PATCH', `${path}&fieldManager=test&force=true`, apply)
      expect({ path, status, warnings, message: body.message }).toEqual({ path, status: 200, warnings: [] })
    }
  })

  test.each(['sluice-controller', 'sluice-mesh'])(
    'the pods of %s pass the restricted Pod Security standard',
    async (name) => {
      const { body: deployment } = await kube.request('GET', deploymentPath(name))
      const { labels } = deployment.spec.template.metadata
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: deployment.spec.template.spec }
      const answer = await kube.request('POST', `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`, { body: pod })
      expect({ status: answer.status, warnings: answer.warnings, message: answer.body.message }).toEqual({
        status: 201,
        warnings: [],
      })
    },
  )

  test.each(needed)('$label', async (permission) => {
    expect(await isAllowed(permission)).toBe(true)
  })

  test.each(forbidden)('not: $label', async (permission) => {
    expect(await isAllowed(permission)).toBe(false)
  })

  test('an upgrade keeps the webhook’s certificate and Istio’s CRDs, and changes what it should', async () => {
    const secretPath = `/api/v1/namespaces/${NAMESPACE}/secrets/sluice-mesh-webhook`
    const before = (await kube.request('GET', secretPath)).body.data['tls.crt']
    const { code, stderr } = await helm.run('upgrade', 'sluice', CHART, ...values, '--set', 'controller.replicas=3')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect((await kube.request('GET', secretPath)).body.data['tls.crt']).toBe(before)
    expect((await kube.request('GET', deploymentPath('sluice-controller'))).body.spec.replicas).toBe(3)
    expect((await helm.run('get', 'manifest', 'sluice', '-n', NAMESPACE)).stdout).toContain(
      'virtualservices.networking.istio.io',
    )
  })

  test('uninstalling leaves the CRDs, and with them the releases of the users', async () => {
    const path = '/apis/sluice.dev/v1/namespaces/default/canaries'
    await eventually(async () => (await kube.request('POST', path, { body: rawCanary() })).status === 201)
    expect((await helm.run('uninstall', 'sluice', '--namespace', NAMESPACE)).code).toBe(0)
    expect((await kube.request('GET', deploymentPath('sluice-controller'))).status).toBe(404)
    expect((await kube.request('GET', `${path}/web`)).status).toBe(200)
    expect((await crd('virtualservices.networking.istio.io')).kind).toBe('CustomResourceDefinition')
  })
})

describe.skipIf(skipped !== undefined)('on a cluster with an Istio of its own', () => {
  test(
    'its CRDs are left alone unless the user says otherwise',
    async () => {
      const kube = await startKubeApiserver()
      const helm = await startHelm(kube.kubeconfig)
      try {
        await applyCrds(kube, istioCustomResourceDefinitions)
        const dryRun = (...args: readonly string[]) => helm.run('install', 'sluice', CHART, '--dry-run=server', ...args)
        const polite = await dryRun()
        expect({ code: polite.code, stderr: polite.stderr }).toEqual({ code: 0, stderr: '' })
        expect(polite.stdout).toContain('name: canaries.sluice.dev')
        expect(polite.stdout).not.toContain('name: virtualservices.networking.istio.io')
        const forced = await dryRun('--set', 'crds.istio=always')
        expect(forced).toMatchObject({ code: 1, stderr: expect.stringContaining('networking.istio.io" in namespace') })
      } finally {
        await helm.stop()
        await kube.stop()
      }
    },
    BUILD_TIMEOUT_MS,
  )
})

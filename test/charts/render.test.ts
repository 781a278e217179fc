import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { productNames } from '../../scripts/images/product.ts'
import { createProgram } from '../../src/cli/program.ts'
import { CHART, type Helm, startHelm } from '../support/helm.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'

const skipped = skipReason('the chart under a real helm', 'helm')
const PROMETHEUS_OPERATOR = ['PodMonitor', 'PrometheusRule'].flatMap((kind) => [
  '--api-versions',
  `monitoring.coreos.com/v1/${kind}`,
])

interface Rule {
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))

describe.skipIf(skipped !== undefined)('helm', () => {
  let helm: Helm
  const template = (...args: readonly string[]) => helm.render('template', 'sluice', CHART, ...args)
  const kindsOf = async (...args: readonly string[]) =>
    (await template(...args)).map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()

  beforeAll(async () => {
    helm = await startHelm()
  }, BUILD_TIMEOUT_MS)

  afterAll(() => helm?.stop())

  test('finds nothing to complain of', async () => {
    const { code, stdout } = await helm.run('lint', '--strict', CHART)
    expect({ code, summary: stdout.trim().split('\n').at(-1) }).toEqual({
      code: 0,
      summary: '1 chart(s) linted, 0 chart(s) failed',
    })
  })

  test('renders this and nothing else', async () => {
    expect(await kindsOf(...PROMETHEUS_OPERATOR)).toEqual([
      'ClusterRole sluice-controller',
      'ClusterRole sluice-edit',
      'ClusterRole sluice-mesh',
      'ClusterRole sluice-view',
      'ClusterRoleBinding sluice-controller',
      'ClusterRoleBinding sluice-mesh',
      'ConfigMap sluice-mesh-injection',
      'CustomResourceDefinition alertproviders.sluice.dev',
      'CustomResourceDefinition authorizationpolicies.security.istio.io',
      'CustomResourceDefinition canaries.sluice.dev',
      'CustomResourceDefinition canaryruns.sluice.dev',
      'CustomResourceDefinition clustermetrictemplates.sluice.dev',
      'CustomResourceDefinition destinationrules.networking.istio.io',
      'CustomResourceDefinition gateways.networking.istio.io',
      'CustomResourceDefinition imagepolicies.sluice.dev',
      'CustomResourceDefinition metrictemplates.sluice.dev',
      'CustomResourceDefinition peerauthentications.security.istio.io',
      'CustomResourceDefinition requestauthentications.security.istio.io',
      'CustomResourceDefinition serviceentries.networking.istio.io',
      'CustomResourceDefinition sidecars.networking.istio.io',
      'CustomResourceDefinition telemetries.telemetry.istio.io',
      'CustomResourceDefinition virtualservices.networking.istio.io',
      'CustomResourceDefinition workloadentries.networking.istio.io',
      'Deployment sluice-controller',
      'Deployment sluice-mesh',
      'MutatingWebhookConfiguration sluice-mesh-default',
      'PodDisruptionBudget sluice-controller',
      'PodMonitor sluice',
      'PodMonitor sluice-proxies',
      'PrometheusRule sluice',
      'Role sluice-controller',
      'Role sluice-mesh',
      'RoleBinding sluice-controller',
      'RoleBinding sluice-mesh',
      'Secret sluice-mesh-webhook',
      'Service sluice-controller',
      'Service sluice-mesh',
      'ServiceAccount sluice-controller',
      'ServiceAccount sluice-mesh',
      'ValidatingWebhookConfiguration sluice-mesh-default',
    ])
  })

  test('dashboards are ConfigMaps that the sidecar of Grafana finds, whole, in its namespace', async () => {
    const args = ['--set', 'dashboards.enabled=true', '--set', 'dashboards.namespace=monitoring']
    const maps = (await template(...args)).filter(({ metadata }) => metadata.name.endsWith('-dashboard'))
    const names = ['sluice-control-plane', 'sluice-mesh', 'sluice-release', 'sluice-workload']
    expect(maps.map(({ metadata }) => metadata.name).sort()).toEqual(names.map((name) => `${name}-dashboard`))
    for (const { metadata, data } of maps) {
      expect(metadata).toMatchObject({ namespace: 'monitoring', labels: { grafana_dashboard: '1' } })
      const file = metadata.name.replace('-dashboard', '.json')
      expect(JSON.parse(data[file])).toEqual(JSON.parse(await readFile(join(CHART, 'files/dashboards', file), 'utf8')))
    }
  })

  test('without the mesh nothing of it is left', async () => {
    const kinds = await kindsOf('--set', 'mesh.enabled=false', '--set', 'meshProvider=istio', ...PROMETHEUS_OPERATOR)
    expect(kinds.filter((name) => /mesh|istio|proxies/.test(name))).toEqual([])
    expect(kinds).toEqual(expect.arrayContaining(['Deployment sluice-controller', 'PodMonitor sluice']))
  })

  test.each(['controller', 'mesh'])('the command line knows what %s is started with', async (name) => {
    const objects = await template('--set', 'controller.allowCrossNamespaceRefs=true')
    const deployment = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === `sluice-${name}`)
    const { command, args } = deployment?.spec.template.spec.containers[0] ?? {}
    expect(command).toEqual(['sluice', name])
    const subcommand = createProgram().commands.find((each) => each.name() === name)
    const known = subcommand?.options.map(({ long }) => long) ?? []
    expect(args.map((arg: string) => arg.split('=')[0]).filter((flag: string) => !known.includes(flag))).toEqual([])
  })

  test.each([
    { values: {}, expected: productNames('sluice', version) },
    { values: { repository: 'r.example/a/sluice', tag: 'v2' }, expected: productNames('r.example/a/sluice', 'v2') },
  ])('names the images that build:images makes, $expected.proxy', async ({ values, expected }) => {
    const flags = Object.entries(values).flatMap(([name, value]) => ['--set', `image.${name}=${value}`])
    const objects = await template(...flags)
    const containers = objects
      .filter(({ kind }) => kind === 'Deployment')
      .flatMap(({ spec }) => spec.template.spec.containers.map(({ image }: { image: string }) => image))
    const settings = objects.find(({ metadata }) => metadata.name === 'sluice-mesh-injection')?.data['settings.json']
    expect({ containers, sidecar: JSON.parse(settings).image }).toEqual({
      containers: [expected.program, expected.program],
      sidecar: expected.proxy,
    })
  })

  test('proxies are scraped often enough for the guard', async () => {
    const objects = await template(...PROMETHEUS_OPERATOR)
    const monitor = objects.find(({ metadata }) => metadata.name === 'sluice-proxies')
    expect(monitor?.spec).toEqual({
      namespaceSelector: { any: true },
      selector: { matchLabels: { 'sidecar.istio.io/inject': 'true' } },
      podMetricsEndpoints: [
        {
          portNumber: 15090,
          path: '/stats/prometheus',
          interval: '2s',
          scrapeTimeout: '2s',
          metricRelabelings: [
            { sourceLabels: ['__name__'], regex: 'envoy_mesh_(istio_.+)', targetLabel: '__name__', replacement: '$1' },
          ],
        },
      ],
    })
  })

  test('series of Canaries keep their own label namespace, which rules and dashboards go by', async () => {
    const objects = await template(...PROMETHEUS_OPERATOR)
    const monitor = objects.find(({ kind, metadata }) => kind === 'PodMonitor' && metadata.name === 'sluice')
    expect(monitor?.spec.podMetricsEndpoints).toEqual([{ port: 'http', path: '/metrics', honorLabels: true }])
    const sample = parse(await readFile(join(CHART, '../../samples/prometheus/scrape-processes.yaml'), 'utf8'))
    expect(sample).toMatchObject({ metrics_path: '/metrics', honor_labels: true })
  })

  test('no role has a wildcard, and none reads Secrets unless told where', async () => {
    const rulesOf = async (...args: readonly string[]) =>
      (await template(...args))
        .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
        .flatMap(({ metadata, rules }) => rules.map((rule: object) => ({ in: metadata.namespace, ...rule })))
    const readSecrets = ['--set', 'controller.readSecretsIn={team-a}', '--set', 'mesh.readSecretsIn={ingress}']
    const [closed, open] = [await rulesOf(), await rulesOf(...readSecrets)]
    expect(JSON.stringify(open)).not.toContain('*')
    const ofSecrets = closed.filter((rule) => JSON.stringify(rule).includes('secrets'))
    expect(ofSecrets).toEqual([
      // The authority of the mesh, by name, in the namespace of the release.
      expect.objectContaining({
        in: 'default',
        resourceNames: ['cacerts', 'istio-ca-secret'],
        verbs: ['get', 'update'],
      }),
      expect.objectContaining({ in: 'default', verbs: ['create'] }),
    ])
    const tracking = await rulesOf('--set', 'controller.configTracking=all')
    expect(tracking.filter((rule) => !JSON.stringify(closed).includes(JSON.stringify(rule)))).toEqual([
      {
        apiGroups: [''],
        resources: ['configmaps', 'secrets'],
        verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
      },
    ])
    expect(open.filter((rule) => !JSON.stringify(closed).includes(JSON.stringify(rule)))).toEqual([
      { in: 'team-a', apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
      { in: 'ingress', apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
    ])
  })

  test('Flagger’s objects are released only where that is wanted, with rights for no more', async () => {
    const wanted = ['--set', 'controller.flaggerCompat.enabled=true']
    const render = async (...args: readonly string[]) => {
      const objects = await template(...args)
      const roles = objects.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
      const rules: readonly Rule[] = roles.flatMap((role) => role.rules)
      const [controller] = objects.filter(
        ({ kind, metadata }) => kind === 'Deployment' && /controller/.test(metadata.name),
      )
      const { args: flags } = controller?.spec.template.spec.containers[0] ?? {}
      return { rules: rules.filter((rule) => /flagger/.test(JSON.stringify(rule))), flags: `${flags}` }
    }
    const [off, on] = [await render(), await render(...wanted)]
    expect([off.rules, off.flags.includes('flagger')]).toEqual([[], false])
    expect(on.flags).toContain('--flagger-compat,--flagger-lease-namespace=kube-system')
    expect(on.rules.map(({ resources, verbs }) => [resources.join(), verbs.join()])).toEqual([
      ['canaries', 'get,list,watch,patch'],
      ['canaries/status', 'patch'],
      ['canaries/finalizers', 'update'],
      ['metrictemplates', 'list,watch'],
      ['alertproviders', 'get'],
      ['leases', 'get'],
    ])
  })

  test('Jobs run only where that is allowed', async () => {
    const jobs = ['--set', 'controller.runJobsIn={team-a}']
    const rolesOf = async (...args: readonly string[]) =>
      (await template(...args)).filter(({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-jobs'))
    expect(await rolesOf()).toEqual([])
    expect((await rolesOf(...jobs)).map(({ metadata, rules }) => [metadata.namespace, rules])).toEqual([
      [
        'team-a',
        [
          { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'create', 'delete'] },
          { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
        ],
      ],
    ])
  })

  test('people get rights by roles that are bound to nobody, and by those of Kubernetes where that is wanted', async () => {
    const labelsOf = async (...args: readonly string[]) => {
      const roles = (await template(...args)).filter(({ metadata }) => /^sluice-(view|edit)$/.test(metadata.name))
      const labels = roles.flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}))
      return labels.filter((label) => label.startsWith('rbac.authorization.k8s.io/')).sort()
    }
    const bound = (await template()).flatMap(({ roleRef }) => roleRef?.name ?? [])
    expect(bound.filter((name) => /view|edit/.test(name))).toEqual([])
    expect(await labelsOf()).toEqual([])
    expect(await labelsOf('--set', 'rbac.aggregate=true')).toEqual([
      'rbac.authorization.k8s.io/aggregate-to-admin',
      'rbac.authorization.k8s.io/aggregate-to-edit',
      'rbac.authorization.k8s.io/aggregate-to-view',
    ])
  })

  test('the controller may do what a deleted Canary waits for, and no more', async () => {
    const role = (await template()).find(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'sluice-controller',
    )
    const verbsOf = (resource: string) =>
      role?.rules.flatMap(({ resources, verbs }: Rule) => (resources.includes(resource) ? verbs : []))
    expect(['canaries', 'endpointslices', 'namespaces', 'services'].map(verbsOf)).toEqual([
      ['get', 'list', 'watch', 'patch'],
      ['list', 'watch'],
      ['get', 'list', 'watch'],
      ['get', 'list', 'watch', 'create', 'update', 'delete'],
    ])
  })

  test.each([
    ['controler.replicas=3', /controler/],
    ['controller.replica=3', /replica/],
    ['controller.replicas=many', /replicas/],
    ['meshProvider=linkerd', /meshProvider/],
    ['metricsServer=prometheus:9090', /metricsServer/],
    ['crds.istio=maybe', /istio/],
  ])('a wrong value is refused: %s', async (value, named) => {
    const { code, stderr } = await helm.run('template', 'sluice', CHART, '--set', value)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(named) })
  })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { readObjects } from '../../src/cli/analyze/documents.ts'
import { fixObjects } from '../../src/cli/analyze/fix.ts'
import { analyze } from '../../src/mesh/istio/index.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { runSluice } from '../support/run-sluice.ts'

const printed = join(import.meta.dirname, '../mesh/acceptance/S02-1-gateway-as-printed.yaml')

test('S02-1: every defect is named with its line, and the corrected objects have none', async () => {
  const { code, out } = await runSluice(['analyze', printed])
  expect(code).toBe(3)
  expect(out.trim().split('\n')).toEqual([
    `${printed}:10: error MissingField Gateway default/test-gateway spec.servers[0].hosts: must be given`,
    `${printed}:14: error UnknownField Gateway default/test-gateway spec.servers[0].port.host: there is no such field: write the host into the list spec.servers[0].hosts`,
    `${printed}:16: error MergedDocuments: another object begins here: put a line \`---\` before it, and give it an apiVersion of its own`,
    `${printed}:16: error MissingField VirtualService default/test-service apiVersion: must be networking.istio.io/v1`,
    `${printed}:19: error NotBoundToGateway VirtualService default/test-service spec.gateways: the Gateway default/test-gateway serves testgateway, but without spec.gateways the routes count for sidecars only: add gateways: [default/test-gateway]`,
    `${printed}:25: info HostNotFound VirtualService default/test-service spec.http[0].route[0].destination.host: no Service was given, so whether there is test-service.default.svc.cluster.local was not looked at; give the files of the Services, too`,
  ])

  const fixed = await runSluice(['analyze', '--fix', printed])
  expect(fixed.code).toBe(0)
  const objects = parseAllDocuments(fixed.out).map((document) => document.toJS())
  expect(objects).toEqual([
    {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'Gateway',
      metadata: { name: 'test-gateway' },
      spec: {
        selector: { istio: 'ingressgateway' },
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['testgateway'] }],
      },
    },
    {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'VirtualService',
      metadata: { name: 'test-service' },
      spec: {
        hosts: ['testgateway'],
        gateways: ['test-gateway'],
        http: [{ route: [{ destination: { host: 'test-service', port: { number: 80 } } }] }],
      },
    },
  ])
  expect(
    analyze(objects)
      .flat()
      .map(({ code }) => code),
  ).toEqual(['HostNotFound'])
})

test('as JSON, and a file that cannot be read', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'good.yaml')
  await writeFile(
    path,
    'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{name: http, port: 80}]}\n',
  )
  const good = await runSluice(['analyze', path, '-o', 'json'])
  expect({ code: good.code, found: JSON.parse(good.out) }).toEqual({ code: 0, found: { diagnostics: [] } })
  const broken = `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\nspec: {mtls: {mode: strict}}\n---
apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [web]
  http: [{timeout: 5, route: [{destination: {host: web}, weight: "50"}]}]\n`
  await writeFile(join(directory.path, 'other.yml'), broken)
  await writeFile(join(directory.path, 'notes.txt'), 'kind: [')
  const folder = await runSluice(['analyze', directory.path])
  const at = `${join(directory.path, 'other.yml')}`
  expect({ code: folder.code, lines: folder.out.trim().split('\n') }).toEqual({
    code: 3,
    lines: [
      `${at}:4: error InvalidValue PeerAuthentication default/a spec.mtls.mode: must be one of UNSET, DISABLE, PERMISSIVE, STRICT; did you mean STRICT?`,
      `${at}:11: error InvalidValue VirtualService default/a spec.http[0].route[0].weight: must be a number, not text: write 50 without quotes`,
      `${at}:11: error InvalidValue VirtualService default/a spec.http[0].timeout: must be a duration in quotes such as "10s"`,
    ],
  })
  const gone = await runSluice(['analyze', join(directory.path, 'gone.yaml')])
  expect({ code: gone.code, err: gone.err }).toEqual({ code: 2, err: expect.stringContaining('gone.yaml') })
})

test('a Canary, its templates and a Canary of Flagger are checked as the API server and the controller would', async () => {
  const text = `apiVersion: sluice.dev/v1
kind: Canary
metadata: { name: web, namespace: shop }
spec:
  targetRef: { kind: Deploymnt, name: web }
  service: { port: "80" }
  threshold: 3
  analysis:
    stepWeigths: [10, 50]
    stepWeights: [50, 10]
---
apiVersion: sluice.dev/v1beta1
kind: MetricTemplate
metadata: { name: depth }
spec:
  provider: { type: prometheus }
---
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: { name: old, namespace: shop }
spec:
  targetRef: { kind: Deployment, name: old }
  service: { port: 80 }
  analysis:
    stepWeight: 10
    metrics: [{ name: mine, query: up }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: notes }
`
  const { code, out } = await runSluice(['analyze', '-'], '/nowhere', text)
  expect({ code, lines: out.trim().split('\n') }).toEqual({
    code: 3,
    lines: [
      '-:5: error InvalidValue Canary shop/web spec.targetRef.kind: must be one of Deployment, DaemonSet, Service, StatefulSet; did you mean Deployment?',
      '-:6: error InvalidValue Canary shop/web spec.service.port: must be a number, not text: write 80 without quotes',
      '-:7: error UnknownField Canary shop/web spec.threshold: there is no such field here; it belongs to spec.analysis.threshold',
      '-:9: error UnknownField Canary shop/web spec.analysis.stepWeigths: there is no such field; did you mean stepWeight?',
      '-:10: error InvalidValue Canary shop/web spec.analysis.stepWeights: stepWeights must ascend, each larger than the one before',
      '-:12: error UnknownVersion MetricTemplate default/depth apiVersion: must be sluice.dev/v1 for a MetricTemplate',
      '-:15: error InvalidValue MetricTemplate default/depth spec.query: query must be set, but for a job, whose spec says what is run',
      '-:24: error UnsupportedField Canary shop/old spec.analysis.metrics[0].query: Sluice does not do this for a Canary of Flagger: see docs/flagger.md',
      '-:26: error InvalidValue Canary shop/old spec.analysis.metrics[0].templateRef: only request-success-rate and request-duration are built in: name the MetricTemplate of this metric',
    ],
  })
  const good = text.split('---\n').at(-1) ?? ''
  expect(await runSluice(['analyze', '-'], '/nowhere', good)).toMatchObject({
    code: 0,
    out: 'nothing is wrong with this object\n',
  })
  expect(await runSluice(['analyze', '-'], '/nowhere', '# nothing\n')).toMatchObject({
    code: 0,
    out: 'there are no objects to look at\n',
  })
}, 60_000)

test('text that is no YAML is named with its line', () => {
  const { objects, problems } = readObjects('a.yaml', 'kind: A\n---\nkind: [b\n---\nkind: C\n')
  expect(objects.map(({ object }) => object)).toEqual([{ kind: 'A' }, { kind: 'C' }])
  expect(problems).toMatchObject([{ code: 'InvalidYaml', line: 4 }])
})

test('the items of a list are objects, each field with its line', () => {
  const { objects } = readObjects(
    'a.yaml',
    'kind: List\napiVersion: v1\nitems:\n  - kind: A\n  - kind: B\n    spec: {}\n',
  )
  expect(objects.map(({ object, lineOf }) => [object, lineOf(['spec']), lineOf([])])).toEqual([
    [{ kind: 'A' }, 4, 4],
    [{ kind: 'B', spec: {} }, 6, 5],
  ])
})

test('what is right, or has several meanings, is left as it is', () => {
  const objects = [
    { kind: 'Deployment' },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name: 'a' },
      spec: { servers: [{ hosts: ['*'] }] },
    },
    { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'a' }, spec: { hosts: ['web'] } },
    null,
  ]
  expect(fixObjects(objects)).toEqual(objects)
})

test('what can have been meant only in one way is corrected', () => {
  const policy = (rest: object) => ({ kind: 'AuthorizationPolicy', metadata: { name: 'a' }, ...rest })
  const rule = (trafficPolicy: object, labels: object) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'a' },
    spec: { host: 'web', subsets: [{ name: 'v1', labels }], trafficPolicy },
  })
  const wrong = [
    policy({ spec: { action: 'deny', rules: [{ to: [{ operation: { Methods: 'GET' } }] }] } }),
    rule(
      { load_balancer: { simple: 'round-robin' }, connectionPool: { http: { maxRetries: '3' } } },
      { version: 1, canary: true },
    ),
    rule({ connectionPool: { tcp: { connectTimeout: 5, depth: 1 } } }, { version: 'v1' }),
  ]
  expect(fixObjects(wrong)).toEqual([
    policy({
      apiVersion: 'security.istio.io/v1',
      spec: { action: 'DENY', rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
    }),
    rule(
      { loadBalancer: { simple: 'ROUND_ROBIN' }, connectionPool: { http: { maxRetries: 3 } } },
      { version: '1', canary: 'true' },
    ),
    wrong[2],
  ])
})

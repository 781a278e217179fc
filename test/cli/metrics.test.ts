import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { allCustomResourceDefinitions } from '../../src/api/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { type Series, scraped } from '../support/history.ts'
import { startServer } from '../support/http-server.ts'
import { type LocalApiServer, startLocalApiServer } from '../support/local-api-server.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'
import { rawCanary } from '../support/raw-canary.ts'
import { runSluice } from '../support/run-sluice.ts'

/** Commands measure what is now, so this history reaches from a while ago to later than the last test. */
function counter(workload: string, code: string, perSecond: number): Series {
  const now = Math.floor(Date.now() / 1_000)
  return {
    name: 'istio_requests_total',
    labels: {
      namespace: 'default',
      pod: `${workload}-1`,
      reporter: 'destination',
      destination_workload: workload,
      destination_workload_namespace: 'default',
      response_code: code,
      response_flags: '-',
    },
    points: scraped(now - 240, now + 540, (second) => perSecond * (second - now + 240)),
  }
}

const success = (name: string, min: number, more: object = {}) => ({ name, thresholdRange: { min }, ...more })
const template = (kind: string, name: string, query: string, variables?: readonly object[]) => ({
  apiVersion: 'sluice.dev/v1',
  kind,
  metadata: { name, ...(kind === 'MetricTemplate' ? { namespace: 'default' } : {}) },
  spec: { provider: { type: 'prometheus' }, query, ...(variables === undefined ? {} : { variables }) },
})

const share = `sum(max_over_time(istio_requests_total{destination_workload="{{ target }}",response_code=~"{{ variables.codes }}"}[{{ interval }}]))
/ sum(max_over_time(istio_requests_total{destination_workload="{{ target }}"}[{{ interval }}]))`
const templates = [
  template('MetricTemplate', 'share', share, [{ name: 'codes', default: '5..' }]),
  template('ClusterMetricTemplate', 'four', 'vector(4)'),
  template('MetricTemplate', 'nothing', 'absent_metric{job="{{ name }}"}'),
]

const canaries = {
  good: [
    success('request-success-rate', 80),
    { ...success('tried', 99), dryRun: true, templateRef: { name: 'share' } },
    { name: 'four', templateRef: { kind: 'ClusterMetricTemplate', name: 'four' }, thresholdRange: { max: 4 } },
  ],
  bad: [
    success('request-success-rate', 99, { failureLimit: 2 }),
    { name: 'gone', templateRef: { name: 'gone' }, thresholdRange: { max: 1 } },
  ],
  silent: [
    success('request-success-rate', 80),
    { name: 'nothing', templateRef: { name: 'nothing' }, thresholdRange: { max: 4 } },
  ],
}

let kube: LocalApiServer
let prometheus: RunningPrometheus
let folder: string
const sluice = (...words: readonly string[]) => runSluice(['metrics', ...words], kube.kubeconfig)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-metrics-'))
  await writeFile(join(folder, 'templates.yaml'), templates.map((each) => stringify(each)).join('---\n'))
  await writeFile(join(folder, 'share.yaml'), stringify(templates[0]))
  const history = [counter('web', '200', 9), counter('web', '503', 1), counter('web-primary', '200', 10)]
  prometheus = await startPrometheus({ history })
  kube = await startLocalApiServer()
  await applyCrds(kube, allCustomResourceDefinitions)
  const create = (resource: string, body: object) => kube.request('POST', `/apis/sluice.dev/v1/${resource}`, { body })
  const made = await Promise.all([
    ...templates.map((body) =>
      create(body.kind === 'MetricTemplate' ? 'namespaces/default/metrictemplates' : 'clustermetrictemplates', body),
    ),
    ...Object.entries(canaries).map(([name, metrics]) => {
      const spec = { metricsServer: prometheus.address }
      return create('namespaces/default/canaries', rawCanary({ name, spec, analysis: { interval: '10s', metrics } }))
    }),
    create('namespaces/default/canaries', rawCanary({ name: 'lost', analysis: { metrics: canaries.good } })),
    create('namespaces/default/canaries', rawCanary({ name: 'empty' })),
  ])
  expect(made.map(({ status }) => status)).toEqual(made.map(() => 201))
})
afterAll(async () => {
  await kube?.stop()
  await prometheus?.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('sluice metrics run', () => {
  test('shows query, value, range and verdict of each metric, and ends with 0 when all pass', async () => {
    const { code, out, err } = await sluice('run', 'good')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
    expect(out).toMatch(
      new RegExp(
        [
          'request-success-rate: passed',
          '  value     90%',
          '  range     at least 80',
          `  window    ${time} to ${time} \\(10s\\)`,
          '  message   success rate 90% is at least 80% \\((9|10|11) of \\d+ requests failed\\)',
          '  decision  pass \\(thresholdRange\\)',
          '  query     .*istio_requests_total.*',
          '',
          'tried: failed \\(dry run, decides nothing\\)',
          '  value     0.1',
          '[^]*',
          'four: passed',
          '  value     4',
          '  range     at most 4',
          `  window    ${time} to ${time} \\(10s\\)`,
          '  message   four 4 is at most 4',
          '  decision  pass \\(thresholdRange\\)',
          '  query     vector\\(4\\)',
          '$',
        ].join('\n'),
      ),
    )
  })

  test('ends with 3 when one fails, whatever another lacks', async () => {
    const { code, out } = await sluice('run', 'bad', '-o', 'json')
    expect(code).toBe(3)
    expect(out).not.toContain('memory')
    expect(JSON.parse(out)).toEqual({
      schemaVersion: 1,
      canary: { namespace: 'default', name: 'bad' },
      metricsServer: prometheus.address,
      verdicts: [
        expect.objectContaining({
          metric: 'request-success-rate',
          state: 'failed',
          decision: 'fail',
          value: 90,
          unit: 'percent',
        }),
        expect.objectContaining({
          metric: 'gone',
          state: 'query-error',
          message:
            'metric gone names the MetricTemplate default/gone, which does not exist: create it or correct templateRef',
        }),
      ],
    })
  })

  test('ends with 1 when nothing failed and one has no verdict', async () => {
    const { code, out } = await sluice('run', 'silent')
    expect(code).toBe(1)
    expect(out).toContain('nothing: no-data\n  range     at most 4\n')
    expect(out).toContain('  message   nothing is unknown: the query found no series\n')
    expect(out).toContain('  query     absent_metric{job="silent"}\n')
  })

  test('asks the server that the user names, and shows no password of it', async () => {
    const address = prometheus.address.replace('//', '//me:secret@')
    const { code, out } = await sluice('run', 'lost', '--metrics-server', address, '-o', 'json')
    expect({ code, server: JSON.parse(out).metricsServer }).toEqual({ code: 0, server: prometheus.address })
    expect(out).not.toContain('secret')
  })
})

describe('sluice metrics test', () => {
  const web = ['--target', 'web'] as const
  const server = () => ['--metrics-server', prometheus.address] as const

  test('measures a template of the cluster for a Canary and holds it against a limit', async () => {
    const { code, out, err } = await sluice('test', 'share', '--canary', 'good', '--max', '0.05')
    expect({ code, err }).toEqual({ code: 3, err: '' })
    expect(out).toMatch(/^share: failed\n {2}value {5}0\.1\n {2}range {5}at most 0\.05\n {2}window .* \(1m\)\n/)
    expect(out).toContain('  message   share 0.1 is above 0.05\n')
    expect(out).toContain(
      '  query\n    sum(max_over_time(istio_requests_total{destination_workload="web",response_code=~"5.."}[60s]))\n    / sum',
    )
  })

  test('takes variables and a window', async () => {
    const words = ['--variables', 'codes=2..|3..', '--window', '30s', '--min', '0.9', '--max', '1'] as const
    const { code, out } = await sluice('test', 'share', '--canary', 'good', ...words, '-o', 'json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      template: { kind: 'MetricTemplate', name: 'share' },
      verdicts: [{ state: 'passed', value: 0.9, query: expect.stringMatching(/=~"2\.\.\|3\.\."\}\[30s\]/) }],
    })
  })

  test('shows a value without a limit', async () => {
    const { code, out } = await sluice('test', 'four', '--cluster-wide', ...server())
    expect(code).toBe(0)
    expect(out).toMatch(/^four: measured\n {2}value {5}4\n {2}range {5}none\n.*\n {2}message {3}add --min or --max/)
  })

  test('reads a file, or standard input, without a cluster', async () => {
    const file = ['metrics', 'test', '-f', join(folder, 'share.yaml'), ...web, ...server()] as const
    expect(await runSluice(file)).toMatchObject({ code: 0, out: expect.stringContaining('value     0.1') })
    const piped = ['metrics', 'test', 'four', '-f', '-', ...server()] as const
    const input = templates.map((each) => stringify(each)).join('---\n')
    expect(await runSluice(piped, '/nowhere', input)).toMatchObject({ code: 0, out: expect.stringMatching(/^four: /) })
  })

  test('takes the credentials of a template from its Secret, and shows none of them', async () => {
    const data = { token: Buffer.from('planted-token').toString('base64') }
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'health' }, data }
    await kube.request('POST', '/api/v1/namespaces/default/secrets', { body: secret })
    await using server = await startServer((response, { headers }) =>
      response.end(JSON.stringify({ errors: headers.authorization === 'Bearer planted-token' ? 7 : 1_000 })),
    )
    const provider = { type: 'web', address: server.url, secretRef: { name: 'health' }, jsonPath: 'errors' }
    const health = { ...template('MetricTemplate', 'health', '/health'), spec: { provider, query: '/health' } }
    const words = ['metrics', 'test', '-f', '-', '--max', '10'] as const
    const { code, out, err } = await runSluice(words, kube.kubeconfig, stringify(health))
    expect({ code, out: out.replace(/ {2}window .*\n/, '') }).toEqual({
      code: 0,
      out: 'health: passed\n  value     7\n  range     at most 10\n  message   health 7 is at most 10\n  query     /health\n',
    })
    expect(out + err).not.toContain('planted')
    const nowhere = await runSluice(words, '/nowhere', stringify(health))
    expect(nowhere.code).toBe(1)
    expect(nowhere.out).toContain('the Secret default/health of the template could not be read')
  })

  test('ends with 1 and the reason where there is no verdict', async () => {
    const missing = await sluice('test', 'share', ...web, ...server(), '--variables', 'code=5..')
    expect(missing.code).toBe(1)
    expect(missing.out).toContain('MetricTemplate share: the variable code is not one of the template: it has codes')
    const down = await sluice('test', 'four', '--cluster-wide', '--metrics-server', 'http://127.0.0.1:1')
    expect(down.code).toBe(1)
    expect(down.out).toContain('four: provider-down')
  })
})

describe('what cannot be measured is said at once', () => {
  const file = () => join(folder, 'templates.yaml')
  const rows: readonly [string, () => readonly string[], number, string][] = [
    ['no such Canary', () => ['run', 'none'], 5, 'there is no canary default/none; see "sluice get canary -A"'],
    ['no metrics', () => ['run', 'empty'], 1, 'canary default/empty has no metrics: set spec.analysis.metrics'],
    ['no server', () => ['run', 'lost'], 2, 'nothing says where the metrics are: add --metrics-server'],
    [
      'a server that is none',
      () => ['run', 'good', '--metrics-server', 'prometheus'],
      2,
      '"prometheus" is not an address',
    ],
    [
      'no such template',
      () => ['test', 'four', '--max', '1'],
      5,
      'there is no MetricTemplate default/four; add --cluster-wide',
    ],
    ['no template', () => ['test'], 2, 'name a template of the cluster, or a file with -f'],
    ['no target', () => ['test', 'nothing'], 2, 'the query needs {{ name }}: add --canary NAME, or --target WORKLOAD'],
    ['several in a file', () => ['test', '-f', file()], 2, 'has the templates share, four, nothing: name one'],
    ['not in the file', () => ['test', 'x', '-f', file()], 2, 'has the templates share, four, nothing, not one x'],
    ['no file', () => ['test', '-f', '/nowhere.yaml'], 2, '-f /nowhere.yaml: '],
    [
      'no pair',
      () => ['test', 'share', '--target', 'web', '--variables', 'codes'],
      2,
      '--variables: "codes" is not NAME=VALUE',
    ],
    ['no number', () => ['test', 'share', '--max', 'much'], 2, 'It must be a number.'],
    ['a range upside down', () => ['test', 'share', '--min', '2', '--max', '1'], 2, '--min must not exceed --max'],
    ['no duration', () => ['test', 'share', '--window', 'soon'], 2, '--window: "soon" is not a duration'],
    ['a short window', () => ['test', 'share', '--window', '10ms'], 2, '--window: must be at least 1s'],
  ]
  test.each(rows)('%s', async (_, words, code, message) => {
    const ended = await sluice(...words())
    expect({ code: ended.code, out: ended.out }).toEqual({ code, out: '' })
    expect(ended.err).toContain(message)
    expect(ended.err).not.toMatch(/ at .*\.ts:\d+/)
  })
})

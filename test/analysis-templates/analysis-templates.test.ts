import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAnalyst } from '../../src/analysis/index.ts'
import { allCustomResourceDefinitions } from '../../src/api/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { WINDOW } from '../analysis/mesh-history.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { type LocalApiServer, startLocalApiServer } from '../support/local-api-server.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'
import { catalogue, renderCatalogue } from './catalogue.ts'
import { history } from './history.ts'
import { rows } from './rows.ts'

/** The others are asked of servers that speak their protocol: other-servers.test.ts. */
const ofPrometheus = catalogue.filter(({ template }) => template.spec.provider.type === 'prometheus')

const templateOf = (name: string) => {
  const entry = catalogue.find((each) => each.name === name)
  if (entry === undefined) throw new Error(`there is no template ${name}`)
  return entry.template
}

describe('analysis templates on a real Prometheus', () => {
  let prometheus: RunningPrometheus
  const analyst = createAnalyst({ clock: systemClock, log: silentLogger })
  const measure = async (metric: Parameters<typeof check>[0], namespace: string) => {
    const subject = { canary: 'web', namespace, target: 'web', primary: 'web-primary', service: 'web' }
    const request = { subject, checks: [check(metric)], window: WINDOW, metricsServer: prometheus.address }
    const [verdict] = await analyst.measure(request, AbortSignal.timeout(120_000))
    return verdict
  }
  const check = (metric: (typeof catalogue)[number]['example']) => ({
    metric,
    template: templateOf(metric.templateRef?.name ?? ''),
  })

  beforeAll(async () => {
    prometheus = await startPrometheus({ history })
  })
  afterAll(() => prometheus.stop())

  const cases = rows.flatMap(({ template, variables, thresholdRange, found }) => {
    const metric = {
      name: template,
      thresholdRange,
      templateRef: { name: template },
      ...(variables === undefined ? {} : { templateVariables: variables }),
    }
    return Object.entries(found).map(([namespace, expected]) => ({ template, metric, namespace, expected }))
  })

  test.each(cases)('$template: $namespace', async ({ metric, namespace, expected }) => {
    expect(await measure(metric, namespace)).toMatchObject(expected)
  })

  test.each(ofPrometheus)('the example of $name is a metric that can be asked', async ({ example }) => {
    expect(await measure(example, 'empty')).toMatchObject({ state: 'no-data', query: expect.stringMatching(/./) })
  })
})

test.each(ofPrometheus)('$name is tested to pass, to fail and to have no data', ({ name }) => {
  const states = rows.filter(({ template }) => template === name).flatMap(({ found }) => Object.values(found))
  expect(new Set(states.map((state) => 'state' in state && state.state))).toEqual(
    new Set(['passed', 'failed', 'no-data']),
  )
})

test.each(catalogue)(
  '$name says when to use it, its limit and its variables',
  ({ name, template, comment, example }) => {
    expect(template.metadata.name).toBe(name)
    expect(comment).toMatch(/\n\nWhen to use it: [\s\S]+\n\nLimit: thresholdRange\.(min|max)/)
    expect(example.templateRef).toEqual({ name })
    expect(template.spec.variables?.map(({ description = '' }) => /^[A-Z].{15,}\.$/.test(description))).toEqual(
      template.spec.variables?.map(() => true),
    )
  },
)

test('docs/analysis-templates.md lists them all', () => {
  const page = readFileSync(new URL('../../docs/analysis-templates.md', import.meta.url), 'utf8')
  // The formatter pads the cells of tables.
  const plain = page.replace(/ +/g, ' ').replace(/-{3,}/g, '---')
  expect(plain).toContain(`\n${renderCatalogue()}\n`)
})

describe('an API server', () => {
  let kube: LocalApiServer
  beforeAll(async () => {
    kube = await startLocalApiServer()
    await applyCrds(kube, allCustomResourceDefinitions)
  })
  afterAll(() => kube?.stop())

  test.each(catalogue)('takes $name, and takes it for all namespaces', async ({ template }) => {
    const post = async (path: string, kind: string) => {
      const body = { ...template, kind }
      const answer = await kube.request('POST', `/apis/sluice.dev/v1/${path}?fieldValidation=Strict`, { body })
      return { status: answer.status, warnings: answer.warnings, message: answer.body.message }
    }
    const accepted = { status: 201, warnings: [], message: undefined }
    expect(await post('namespaces/default/metrictemplates', 'MetricTemplate')).toEqual(accepted)
    expect(await post('clustermetrictemplates', 'ClusterMetricTemplate')).toEqual(accepted)
  })
})

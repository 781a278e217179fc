import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type CanaryRun, canaryKind, jobKind } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { scriptImage } from '../support/local-cluster.ts'
import { appCanary, startApp } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

const shipped = fileURLToPath(new URL('../../analysis-templates', import.meta.url))

/** Limits that a slow machine keeps and a slow version breaks. */
const metrics = [
  {
    name: 'checkout-success-rate',
    templateRef: { name: 'success-rate' },
    templateVariables: { failures: '5..|0' },
    thresholdRange: { min: 99 },
  },
  {
    name: 'latency-p95',
    templateRef: { name: 'latency-quantile' },
    templateVariables: { quantile: '0.95' },
    thresholdRange: { max: 600 },
  },
  {
    name: 'slow-requests',
    templateRef: { name: 'slow-requests-share' },
    templateVariables: { limit: '500' },
    thresholdRange: { max: 10 },
  },
]

/** Calls the Service of the new version, and leaves the percentage of good answers. */
const smokeTest = `
const { writeFileSync } = require('node:fs')
const { WEB_CANARY_SERVICE_HOST: host, WEB_CANARY_SERVICE_PORT: port, TERMINATION_MESSAGE_PATH: file } = process.env
const [requests] = process.argv.slice(1).map(Number)
async function measure() {
  let good = 0
  for (let sent = 0; sent < requests; sent += 1) {
    const answer = await fetch('http://' + host + ':' + port + '/')
    await answer.arrayBuffer()
    if (answer.ok) good += 1
  }
  writeFileSync(file, String(good / requests * 100))
}
measure()
`

const smokeTemplate = (namespace: string) => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name: 'smoke-test', namespace },
  spec: {
    provider: {
      type: 'job',
      job: {
        result: 'number',
        timeout: '30s',
        spec: {
          template: {
            spec: { containers: [{ name: 'smoke', image: 'test/smoke:1', args: ['{{ variables.requests }}'] }] },
          },
        },
      },
    },
  },
})

const verdictsOf = (run: CanaryRun) => (run.status?.steps ?? []).flatMap((step) => step.verdicts)
const failedMetrics = (run: CanaryRun) =>
  verdictsOf(run)
    .filter(({ state }) => state === 'failed')
    .map(({ metric }) => metric)

describe.skipIf(isKubectlMissing('analysis-templates on the local platform'))('analysis-templates', () => {
  let platform: SluiceLocal

  beforeAll(async () => {
    platform = await startSluiceLocal()
  })

  afterAll(() => platform?.[Symbol.asyncDispose]())

  const start = async (namespace: string) => {
    const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    await platform.apply([space])
    await platform.kubectl('apply', '-n', namespace, '-f', shipped)
    // A busy machine may see only part of a window: it has to be long enough for that.
    return startApp(platform, { namespace, analysis: { metrics, interval: '10s' } })
  }

  test.concurrent('pass a good version and fail a slow one, with the variables filled in', async ({ expect }) => {
    const app = await start('timed')
    await app.setImage('2.0.0')
    const promoted = await app.ended('2.0.0')
    expect(promoted.run.status?.phase).toBe('Succeeded')
    const last = verdictsOf(promoted.run).slice(-3)
    expect(last.map(({ metric, state }) => [metric, state])).toEqual(metrics.map(({ name }) => [name, 'passed']))
    expect(last.map(({ value }) => typeof value)).toEqual(['number', 'number', 'number'])
    expect(last[0]?.query).toContain('destination_workload="web",response_code=~"5..|0"')
    expect(last[0]?.query).toContain('destination_workload_namespace="timed"')
    expect(last[1]?.query).toContain('histogram_quantile(0.95, ')
    expect(last[2]?.query).toContain('le="500"')

    await app.setImage('4.0.0')
    const { run } = await app.ended('4.0.0')
    expect([run.status?.phase, failedMetrics(run)], JSON.stringify(run.status?.steps)).toEqual([
      'Failed',
      ['latency-p95', 'slow-requests'],
    ])
    expect(run.status?.message).toMatch(/latency-p95 .*600.*; .*slow-requests .*10.* \(failed check 1 of 1\)$/)
    expect(run.status?.steps.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['mirror', 'passed'],
      ['weight', 'failed'],
    ])
  })

  test.concurrent('fail a version on its mirrored requests', async ({ expect }) => {
    const app = await start('broken')
    await app.setImage('5.0.0')
    const { run } = await app.ended('5.0.0')
    expect([run.status?.phase, failedMetrics(run)]).toEqual(['Failed', ['checkout-success-rate']])
    expect(run.status?.steps.map(({ kind, outcome }) => [kind, outcome])).toEqual([['mirror', 'failed']])
  })

  test.concurrent('ask a Job that calls the new version, for each check anew', async ({ expect }) => {
    const namespace = 'measured'
    const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    const setup = await platform.apply([space, scriptImage('test/smoke', smokeTest), smokeTemplate(namespace)])
    expect(setup).toMatchObject({ code: 0, err: '' })
    const metric = {
      name: 'smoke-test',
      templateRef: { name: 'smoke-test' },
      templateVariables: { requests: '20' },
      thresholdRange: { min: 99 },
    }
    const app = await startApp(platform, { namespace, analysis: { mirror: false, metrics: [metric] } })
    await app.setImage('2.0.0')
    const good = (await app.ended('2.0.0')).run
    expect([good.status?.phase, verdictsOf(good).map(({ state, value }) => [state, value])]).toEqual([
      'Succeeded',
      [['passed', 100]],
    ])
    await app.setImage('5.0.0')
    const bad = (await app.ended('5.0.0')).run
    // Every second page fails, whoever asks for it: users and the Job share the turns.
    expect([
      bad.status?.phase,
      verdictsOf(bad).map(({ state, value }) => [state, Math.round((value ?? 0) / 50)]),
    ]).toEqual(['Failed', [['failed', 1]]])
    expect(bad.status?.message).toMatch(/^smoke-test [\d.]+ is below 99 /)
    // One Job for the one check of each run; each goes with its run.
    const { items: jobs } = await platform.client.list(jobKind, { namespace })
    expect(jobs.map(({ metadata }) => metadata.ownerReferences?.map(({ name }) => name))).toEqual([
      [good.metadata.name],
      [bad.metadata.name],
    ])
  })

  test.concurrent('a template that is missing stalls its Canary until it is there', async ({ expect }) => {
    const namespace = 'late'
    const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    expect(await platform.apply([space, appCanary({ namespace, analysis: { metrics } })])).toMatchObject({ code: 0 })
    const stalled = async () => {
      const canary = await platform.client.get(canaryKind, { namespace, name: 'web' })
      return canary?.status?.conditions?.find(({ type }) => type === 'Stalled')
    }
    await eventually(async () =>
      expect(await stalled()).toMatchObject({
        status: 'True',
        reason: 'TemplateNotFound',
        message:
          'metric checkout-success-rate names the MetricTemplate late/success-rate, which does not exist: create it or correct templateRef',
      }),
    )
    await platform.kubectl('apply', '-n', namespace, '-f', shipped)
    // The next thing that is missing is the workload.
    await eventually(async () => expect(await stalled()).toMatchObject({ reason: 'TargetNotFound' }))
  })
})

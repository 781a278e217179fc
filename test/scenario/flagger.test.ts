import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CanaryRun, canaryKind, canaryRunKind, deploymentKind, flaggerCanaryKind } from '../../src/api/index.ts'
import { images, client as loadClient, web } from '../../src/cli/demo/manifests.ts'
import { eventually } from '../support/eventually.ts'
import { rawCanary } from '../support/raw-canary.ts'
import { inNamespace } from '../support/released-app.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'

const NAMESPACE = 'shop'

/** As Flagger's users write it: nothing in it knows of Sluice. */
const manifest = `
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata:
  name: error-rate
  namespace: ${NAMESPACE}
spec:
  provider:
    type: prometheus
    address: PROMETHEUS
  query: |
    100 - sum(rate(istio_requests_total{reporter="destination",destination_workload_namespace="{{ namespace }}",destination_workload="{{ target }}",response_code!~"5.*"}[{{ interval }}]))
    / sum(rate(istio_requests_total{reporter="destination",destination_workload_namespace="{{ namespace }}",destination_workload="{{ target }}"}[{{ interval }}])) * 100
---
apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: web
  namespace: ${NAMESPACE}
spec:
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
  progressDeadlineSeconds: 60
  service:
    port: 80
    targetPort: 8080
    trafficPolicy:
      tls:
        mode: DISABLE
    retries:
      attempts: 3
      perTryTimeout: 1s
      retryOn: "gateway-error,connect-failure,refused-stream"
  analysis:
    interval: 10s
    threshold: 2
    maxWeight: 50
    stepWeight: 50
    metrics:
      - name: request-success-rate
        thresholdRange:
          min: 99
        interval: 1m
      - name: error-rate
        templateRef:
          name: error-rate
          namespace: ${NAMESPACE}
        thresholdRange:
          max: 1
        interval: 30s
`

describe.skipIf(isKubectlMissing('a Canary of Flagger on the local platform'))('a Canary of Flagger', () => {
  let platform: SluiceLocal

  beforeAll(async () => {
    platform = await startSluiceLocal('--flagger-compat')
  })
  afterAll(() => platform?.[Symbol.asyncDispose]())

  const ref = { namespace: NAMESPACE, name: 'web' }
  const read = () => platform.client.get(flaggerCanaryKind, ref)
  const until = (phase: string, within = 60_000) =>
    eventually(async () => expect((await read())?.status?.phase).toBe(phase), { within, what: `phase ${phase}` })
  const runs = async (): Promise<readonly CanaryRun[]> =>
    (await platform.client.list(canaryRunKind, { namespace: NAMESPACE })).items
  const setImage = (version: string) =>
    platform.kubectl('-n', NAMESPACE, 'set', 'image', 'deployment/web', `web=demo/web:${version}`)

  test('is released, and rolled back, as it is', async () => {
    const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }
    const setUp = await platform.apply([space, ...images, inNamespace(NAMESPACE, web('1.0.0'))])
    expect(setUp).toMatchObject({ code: 0, err: '' })
    const text = manifest.replace('PROMETHEUS', platform.prometheusUrl)
    expect(await platform.apply(text)).toMatchObject({ code: 0, err: '' })
    await until('Initialized')
    expect(await platform.apply([inNamespace(NAMESPACE, loadClient(20))])).toMatchObject({ code: 0, err: '' })

    expect(await setImage('2.0.0')).toMatchObject({ code: 0 })
    await until('Progressing')
    // What Flagger's users script against.
    const waited = await platform.kubectl(
      ...['-n', NAMESPACE, 'wait', 'canaries.flagger.app/web', '--for=condition=promoted', '--timeout=120s'],
    )
    expect(waited).toMatchObject({ code: 0 })
    await until('Succeeded', 120_000)
    const primary = await platform.client.get(deploymentKind, { namespace: NAMESPACE, name: 'web-primary' })
    expect(primary?.spec.template.spec.containers.map(({ image }) => image)).toEqual(['demo/web:2.0.0'])

    expect(await setImage('5.0.0')).toMatchObject({ code: 0 })
    await until('Failed', 120_000)
    const recorded = await runs()
    expect(recorded.map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([
      ['flagger-web-1', 'Succeeded'],
      ['flagger-web-2', 'Failed'],
    ])
    // No mirrored step unless it is asked for, as in Flagger.
    expect(recorded.map(({ status }) => status?.steps.map(({ kind }) => kind))).toEqual([['weight'], ['weight']])
    const canary = await read()
    expect(canary?.status).toMatchObject({ phase: 'Failed', canaryWeight: 0, failedChecks: 2 })
    expect(Object.keys(canary?.status ?? {})).not.toContain('runName')
    expect(recorded[0]?.metadata.ownerReferences).toMatchObject([
      { apiVersion: 'flagger.app/v1beta1', kind: 'Canary', uid: canary?.metadata.uid },
    ])
  }, 300_000)

  test('is counted under the names of Flagger', async () => {
    const [, listen = ''] = /--listen (\S+)/.exec(platform.child('controller').command) ?? []
    const text = await (await fetch(`http://${listen}/metrics`)).text()
    expect(text).toContain(`flagger_canary_status{name="web",namespace="${NAMESPACE}"} 2`)
    expect(text).toContain(`flagger_canary_weight{workload="web-primary",namespace="${NAMESPACE}"} 100`)
    expect(text).toMatch(/flagger_canary_successes_total\{name="web",[^}]*deployment_strategy="canary"[^}]*\} 1/)
    expect(text).toContain(`sluice_canary_status{name="web",namespace="${NAMESPACE}"} 2`)
  })

  test('and one of Sluice do not release one workload: the younger stands back', async () => {
    const rival = { ...rawCanary(), metadata: { name: 'rival', namespace: NAMESPACE } }
    expect(await platform.apply([rival])).toMatchObject({ code: 0 })
    await eventually(async () => {
      const found = await platform.client.get(canaryKind, { namespace: NAMESPACE, name: 'rival' })
      expect(found?.status?.conditions).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            type: 'Stalled',
            reason: 'TargetClaimed',
            message: expect.stringContaining('Canary web of Flagger releases Deployment web'),
          }),
        ]),
      )
    })
  })

  test('that asks for what Sluice can not do stalls, and says what', async () => {
    const odd = {
      apiVersion: 'flagger.app/v1beta1',
      kind: 'Canary',
      metadata: { name: 'odd', namespace: NAMESPACE },
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'odd' },
        service: { port: 80 },
        analysis: { interval: '1m', threshold: 5, stepWeight: 10, metrics: [{ name: 'errors', query: 'errors' }] },
      },
    }
    expect(await platform.apply([odd])).toMatchObject({ code: 0 })
    await eventually(async () => {
      const found = await platform.client.get(flaggerCanaryKind, { namespace: NAMESPACE, name: 'odd' })
      const stalled = found?.status?.conditions?.find(({ type }) => type === 'Stalled')
      expect(stalled).toMatchObject({
        reason: 'InvalidCanary',
        message: 'spec.analysis.metrics[0].query: Sluice does not do this for a Canary of Flagger: correct the field',
      })
    })
  })

  test('the commands of the guide that look at Canaries, and let go of one, work', async () => {
    const guide = readFileSync(new URL('../../docs/migrating-from-flagger.md', import.meta.url), 'utf8')
    const commands = [...guide.matchAll(/^ *kubectl (get [^|\n]+)$/gm)].map(([, words = '']) => words)
    expect(commands).toHaveLength(3)
    const patches = [...guide.matchAll(/^ *kubectl (-n shop patch .+)$/gm)].map(([, words = '']) => words)
    expect(patches).toHaveLength(1)
    for (const words of patches)
      expect(await platform.kubectl(...words.replaceAll("'", '').split(' '))).toMatchObject({ code: 0 })
    const answers = await Promise.all(commands.map((words) => platform.kubectl(...words.split(' '))))
    const [listed, secrets, explained] = answers
    expect([secrets?.code, secrets?.out]).toEqual([
      0,
      expect.stringMatching(/MetricTemplate +shop +error-rate +<none>/),
    ])
    expect([listed?.code, listed?.out]).toEqual([0, expect.stringMatching(/shop +web +Failed +0 /)])
    expect([explained?.code, explained?.out]).toEqual([
      0,
      expect.stringMatching(/shop +odd .*spec\.analysis\.metrics\[0\]\.query: /),
    ])
  })

  test('goes on after the controller was restarted', async () => {
    const before = await read()
    const { pid } = platform.child('controller')
    process.kill(pid, 'SIGKILL')
    await eventually(() => expect(platform.child('controller').pid).not.toBe(pid), { within: 30_000 })
    expect(await setImage('2.1.0')).toMatchObject({ code: 0 })
    await until('Succeeded', 150_000)
    expect((await runs()).map(({ metadata }) => metadata.name)).toEqual([
      'flagger-web-1',
      'flagger-web-2',
      'flagger-web-3',
    ])
    expect(before?.metadata.uid).toBe((await read())?.metadata.uid)
  }, 200_000)
})

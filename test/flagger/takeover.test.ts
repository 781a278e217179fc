import { describe, expect, test } from 'vitest'
import {
  type AlertProvider,
  apiVersionOf,
  type Canary,
  canaryFinalizer,
  deploymentKind,
  flaggerAlertProviderKind,
  flaggerCanaryKind,
} from '../../src/api/index.ts'
import { createFlaggerClient } from '../../src/flagger/index.ts'
import { createDeath } from '../support/death.ts'
import { buildDeployment, createReleaseCluster } from '../support/release-cluster.ts'

const TIMEOUT_MS = 300_000

/** As a user of Flagger has it. */
const spec = {
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
  service: { port: 80 },
  analysis: {
    interval: '10s',
    threshold: 2,
    stepWeight: 40,
    maxWeight: 40,
    metrics: [{ name: 'request-success-rate', interval: '10s', thresholdRange: { min: 99 } }],
    alerts: [{ name: 'chat', severity: 'info', providerRef: { name: 'chat' } }],
  },
}

async function createFlaggersCluster() {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await cluster.user.create(flaggerAlertProviderKind, {
    apiVersion: apiVersionOf(flaggerAlertProviderKind),
    kind: 'AlertProvider',
    metadata: { name: 'chat', namespace: 'default' },
    spec: { type: 'slack', channel: 'releases', address: 'https://chat.example.com/' },
  } as unknown as AlertProvider)
  await cluster.user.create(flaggerCanaryKind, {
    apiVersion: apiVersionOf(flaggerCanaryKind),
    kind: 'Canary',
    metadata: { name: 'web', namespace: 'default', finalizers: [canaryFinalizer] },
    spec,
  } as unknown as Canary)
  return cluster
}

/** A controller of Flagger's Canaries that dies at a write, and what its successor makes of it. */
async function release(verdict: 'passed' | 'failed', end: string, dieAt: number) {
  const cluster = await createFlaggersCluster()
  cluster.verdict = verdict
  const canary = () => cluster.api.get(flaggerCanaryKind, 'web')
  const death = createDeath(dieAt)
  const stops = [cluster.startController({ before: death.before, look: createFlaggerClient })]
  const until = (phase: string) =>
    cluster.until(`${phase} after write ${dieAt}`, () => {
      if (death.isDead() && stops.length === 1) {
        void stops[0]?.()
        stops.push(cluster.startController({ look: createFlaggerClient }))
      }
      return canary().status?.phase === phase
    })
  await until('Initialized')
  const first = death.writes()
  await cluster.setImage('web:2')
  await until(end)
  await cluster.pass(1_000)
  for (const stop of stops) await stop()
  const { status } = canary()
  const facts = {
    primary: cluster.deployment('web-primary').spec.template.spec.containers[0]?.image,
    replicas: cluster.deployment('web').spec.replicas,
    runs: cluster.runs().map((run) => run.status?.phase),
    weights: [...new Set(cluster.weights())].toSorted(),
    told: [...new Set(cluster.sent.map(({ address, notice }) => `${address} ${notice.reason}`))].toSorted(),
    // Flagger's CRD has no place for more.
    fields: Object.keys(status ?? {}).filter((name) => ['runName', 'history', 'message', 'version'].includes(name)),
  }
  return { facts, writes: death.writes(), first }
}

describe('a controller of Canaries of Flagger that dies at any of its writes', { timeout: TIMEOUT_MS }, () => {
  const told = (...reasons: readonly string[]) => reasons.map((reason) => `https://chat.example.com/ ${reason}`)

  test.each([
    [
      'passed',
      'Succeeded',
      {
        primary: 'web:2',
        replicas: 0,
        runs: ['Succeeded'],
        weights: ['0', '40'],
        told: told('Initialized', 'NewRevision', 'Promoting', 'Succeeded'),
        fields: [],
      },
    ],
    [
      'failed',
      'Failed',
      {
        primary: 'web:1',
        replicas: 0,
        runs: ['Failed'],
        weights: ['0', '40'],
        told: told('Initialized', 'NewRevision', 'ThresholdReached'),
        fields: [],
      },
    ],
  ] as const)('its successor goes on from the runs: %s', async (verdict, end, expected) => {
    const { facts, writes, first } = await release(verdict, end, Number.POSITIVE_INFINITY)
    expect(facts).toEqual(expected)
    for (let dieAt = first + 1; dieAt <= writes; dieAt += 2) {
      const successor = await release(verdict, end, dieAt)
      expect([dieAt, successor.facts]).toEqual([dieAt, expected])
    }
  })
})

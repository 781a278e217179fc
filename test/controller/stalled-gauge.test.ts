import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { Canary } from '../../src/api/index.ts'
import { combineMetrics, createFlaggerMetrics, createMetrics } from '../../src/controller/index.ts'
import { buildCanary } from '../support/canary-objects.ts'

const canaryOf = (name: string, phase: 'Initialized' | 'Failed', status: 'True' | 'False', reason: string): Canary => {
  const stalled = { type: 'Stalled', status, reason, message: '', lastTransitionTime: '2026-01-01T00:00:00.000Z' }
  return buildCanary({ name, metadata: { name, namespace: 'shop' }, status: { phase, conditions: [stalled] } })
}

test('Canaries of both groups that somebody must act on are shown with their reasons, at each scrape anew', async () => {
  const registry = new Registry()
  const metrics = combineMetrics([createMetrics(registry), createFlaggerMetrics(registry)])
  let own = [
    canaryOf('fine', 'Initialized', 'False', 'Initialized'),
    canaryOf('refused', 'Initialized', 'True', 'RequestRefused'),
    canaryOf('rolled-back', 'Failed', 'True', 'ThresholdReached'),
  ]
  metrics.show(() => own)
  metrics.show(() => [canaryOf('of-flagger', 'Initialized', 'True', 'InvalidCanary')])
  const shown = async () => (await registry.getSingleMetric('sluice_canary_stalled')?.get())?.values
  expect(await shown()).toEqual([
    { value: 1, labels: { name: 'refused', namespace: 'shop', reason: 'RequestRefused' } },
    { value: 1, labels: { name: 'of-flagger', namespace: 'shop', reason: 'InvalidCanary' } },
  ])
  own = []
  expect(await shown()).toMatchObject([{ labels: { name: 'of-flagger' } }])
})

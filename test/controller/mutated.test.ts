import fc from 'fast-check'
import { expect, test } from 'vitest'
import { playCanary } from '../support/played-canary.ts'
import { rawCanary } from '../support/raw-canary.ts'

/** A spec that uses most of the fields. */
const whole = rawCanary({
  spec: {
    provider: 'mesh',
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    autoscalerRef: { kind: 'HorizontalPodAutoscaler', name: 'web', primaryScalerReplicas: { minReplicas: 1 } },
    service: { name: 'web', port: 80, targetPort: 8080, hosts: ['web.example.com'], retries: { attempts: 2 } },
    progressDeadlineSeconds: 60,
    suspend: false,
  },
  analysis: {
    interval: '5s',
    mirror: true,
    metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }],
    webhooks: [{ name: 'gate', type: 'confirm-rollout', url: 'http://gate/' }],
    alerts: [{ name: 'team', providerRef: { name: 'team' } }],
  },
}).spec as object

interface Mutation {
  /** Picks a field, wherever it is. */
  readonly at: number
  /** Undefined takes it away. */
  readonly value: unknown
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(200),
  value: fc.oneof(
    fc.constant(undefined),
    fc.constantFrom(
      null,
      '',
      'other',
      '../other',
      'other-primary',
      'DaemonSet',
      'StatefulSet',
      0,
      -1,
      1e9,
      0.5,
      true,
      [],
      {},
    ),
    fc.jsonValue({ maxDepth: 2 }),
  ),
})

type Path = readonly (string | number)[]

function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  if (value === null || typeof value !== 'object') return [path]
  const below = Object.entries(value).flatMap(([key, field]) => pathsOf(field, [...path, key]))
  return path.length === 0 ? below : [path, ...below]
}

function mutate(spec: object, { at, value }: Mutation): object {
  const paths = pathsOf(spec)
  const path = paths[at % paths.length] ?? []
  const copy = structuredClone(spec)
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((found, key) => (found as Record<string | number, unknown>)[key], copy)
  const last = path.at(-1) ?? ''
  if (value === undefined) delete (parent as Record<string | number, unknown>)[last]
  else (parent as Record<string | number, unknown>)[last] = value
  return copy
}

const unharmed = { isUntouched: true, strangers: [], failures: [] }

test('a Canary that passes is released, so that the property below is of something', async () => {
  const { autoscalerRef: _, ...spec } = whole as { autoscalerRef: object }
  expect(await playCanary(spec)).toEqual({ ...unharmed, routes: 1, refusal: undefined })
})

test('whatever is wrong with a Canary, no pass fails and nothing of others is written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
      expect(await playCanary(mutations.reduce(mutate, whole))).toMatchObject(unharmed)
    }),
    { numRuns: 40 },
  )
})

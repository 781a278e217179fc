import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Canary,
  canaryKind,
  configMapKind,
  deploymentKind,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { canonicalJson } from '../../src/base/index.ts'
import type { Logger } from '../../src/runtime/index.ts'
import { rawCanary } from '../support/raw-canary.ts'
import { buildDeployment, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const namespace = 'default'

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

/** Somebody else's, and in nobody's way. */
async function placeBystanders({ user }: ReleaseCluster): Promise<void> {
  for (const name of ['other', 'other-primary']) await user.create(deploymentKind, buildDeployment(name))
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'theirs', namespace },
    spec: { selector: { app: 'theirs' } },
  }
  await user.create(serviceKind, service)
  await user.create(configMapKind, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace },
    data: { a: 'b' },
  })
}

/** What Sluice may write for a Canary: names that begin with that of its target or of its Service. */
function isItsOwn(spec: unknown, name: string): boolean {
  const { targetRef, service } = spec as { targetRef?: { name?: unknown }; service?: { name?: unknown } }
  const bases = ['web', targetRef?.name, service?.name].filter((base) => typeof base === 'string')
  return bases.some(
    (base) => name === base || [`${base}-primary`, `${base}-canary`].includes(name) || /^web(-\d+|\..+)$/.test(name),
  )
}

/** Keeps what failed in earnest: somebody else's write in between is no failure. */
function collectingLogger(failures: unknown[]): Logger {
  const keep = (fields: object, message: string): void => {
    const text = JSON.stringify(fields)
    if (/work failed/.test(message) && !/Conflict|AlreadyExists/.test(text)) failures.push(text)
  }
  const logger: Logger = { debug: () => undefined, info: () => undefined, warn: keep, error: keep, child: () => logger }
  return logger
}

async function play(spec: object) {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await placeBystanders(cluster)
  const bystanders = () =>
    canonicalJson([cluster.api.get(serviceKind, 'theirs'), cluster.api.get(configMapKind, 'settings')])
  const before = bystanders()
  await cluster.user.create(canaryKind, {
    apiVersion: 'sluice.dev/v1',
    kind: 'Canary',
    metadata: { name: 'web', namespace },
    spec,
  } as unknown as Canary)
  const failures: unknown[] = []
  const stop = cluster.startController({ log: collectingLogger(failures) })
  await cluster.pass(3_000)
  await cluster.setImage('web:2')
  await cluster.pass(15_000)
  await stop()
  const strangers = cluster.api.writes.filter(
    ({ by, kind, name }) => by === 'controller' && kind !== 'Event' && !isItsOwn(spec, name),
  )
  return {
    isUntouched: bystanders() === before,
    strangers,
    failures,
    routes: cluster.api.list(virtualServiceKind).length,
  }
}

test('a Canary that passes is released, so that the property below is of something', async () => {
  const { autoscalerRef: _, ...spec } = whole as { autoscalerRef: object }
  expect(await play(spec)).toEqual({ isUntouched: true, strangers: [], failures: [], routes: 1 })
})

test('whatever is wrong with a Canary, no pass fails and nothing of others is written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
      const { isUntouched, strangers, failures } = await play(mutations.reduce(mutate, whole))
      expect({ isUntouched, strangers, failures }).toEqual({ isUntouched: true, strangers: [], failures: [] })
    }),
    { numRuns: 40 },
  )
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canaryKind, canaryRunKind, deploymentKind, serviceKind, virtualServiceKind } from '../../src/api/index.ts'
import { controlPlaneTools } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { simulatedNode } from '../support/simulated-node.ts'
import { stagedCanary, stagedDeployment } from '../support/staged-app.ts'
import { type CrashedApp, type CrashHarness, startCrashHarness } from './crash-harness.ts'

const skipped = skipReason('a controller that dies at each of its writes', ...controlPlaneTools)
const TIMEOUT_MS = 300_000

/**
 * To die before a write and after the one ahead of it leaves the same in the API server: one of the two is played by
 * each write here, both by `SLUICE_TEST_CRASHES=all`.
 */
const deaths = process.env.SLUICE_TEST_CRASHES === 'all' ? (['before', 'after'] as const) : (['after'] as const)

interface Scenario {
  readonly name: string
  /** At least as many as there are writes. */
  readonly crashes: number
  play(stage: CrashHarness, app: CrashedApp): Promise<void>
  end(stage: CrashHarness, app: CrashedApp): Promise<void>
}

const scenarios: readonly Scenario[] = [
  {
    name: 'promoted',
    crashes: 30,
    async play(stage, app) {
      await create(stage, app)
      app.count()
      await setImage(stage, app)
      await untilPhase(stage, app, 'Succeeded')
    },
    async end(stage, app) {
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.1.0 x0', 'web-primary': 'demo/web:1.1.0 x1' })
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
    },
  },
  {
    name: 'taken-back',
    crashes: 10,
    async play(stage, app) {
      await create(stage, app)
      await setImage(stage, app)
      await eventually(() => expect(app.routes.at(-1)).toBe('50+0'), { within: TIMEOUT_MS })
      app.count()
      app.verdict = 'failed'
      await untilPhase(stage, app, 'Failed')
    },
    async end(stage, app) {
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.1.0 x0', 'web-primary': 'demo/web:1.0.0 x1' })
      expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
    },
  },
  {
    name: 'deleted',
    crashes: 13,
    async play(stage, app) {
      await create(stage, app)
      app.count()
      await stage.client.delete(canaryKind, { namespace: app.namespace, name: 'web' })
    },
    async end(stage, app) {
      const namesOf = async (kind: Parameters<typeof stage.client.list>[0]) =>
        (await stage.client.list(kind, { namespace: app.namespace })).items.map(({ metadata }) => metadata.name)
      await eventually(
        async () => {
          const kinds = [canaryKind, canaryRunKind, deploymentKind, serviceKind, virtualServiceKind]
          expect(await Promise.all(kinds.map(namesOf))).toEqual([[], [], ['web'], ['web'], []])
        },
        { within: TIMEOUT_MS, every: 500 },
      )
      expect(await workloadsOf(stage, app)).toEqual({ web: 'demo/web:1.0.0 x1' })
    },
  },
]

async function create(stage: CrashHarness, { namespace }: CrashedApp): Promise<void> {
  const { client, plane } = stage
  await plane.request('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } })
  const deployment = stagedDeployment({ podSpec: { nodeName: simulatedNode } }, namespace)
  await client.create(deploymentKind, { ...deployment, spec: { ...deployment.spec, replicas: 1 } })
  const metrics = [{ name: 'request-success-rate', thresholdRange: { min: 99 } }]
  await client.create(canaryKind, stagedCanary({ namespace, analysis: { interval: '1s', metrics } }))
  await untilPhase(stage, { namespace }, 'Initialized')
}

async function setImage({ client }: CrashHarness, { namespace }: CrashedApp): Promise<void> {
  const spec = { template: { spec: { containers: [{ name: 'web', image: 'demo/web:1.1.0' }] } } }
  await client.patch(deploymentKind, { namespace, name: 'web' }, { spec }, { type: 'strategic' })
}

async function untilPhase(
  { canaries, deployments }: CrashHarness,
  { namespace }: Pick<CrashedApp, 'namespace'>,
  phase: string,
): Promise<void> {
  const web = { namespace, name: 'web' }
  const what = `${namespace}: ${phase}`
  await eventually(
    () => {
      const { status } = canaries.get(web) ?? {}
      expect(status?.phase, status?.message).toBe(phase)
      // What a pass does after it has recorded the phase.
      if (phase !== 'Initialized') expect(deployments.get(web)?.spec.replicas).toBe(0)
    },
    { within: TIMEOUT_MS, every: 100, what },
  )
}

async function workloadsOf(
  { client }: CrashHarness,
  { namespace }: CrashedApp,
): Promise<Readonly<Record<string, string>>> {
  const { items } = await client.list(deploymentKind, { namespace })
  return Object.fromEntries(
    items.map(({ metadata, spec }) => [metadata.name, `${spec.template.spec.containers[0]?.image} x${spec.replicas}`]),
  )
}

describe.skipIf(skipped !== undefined)('a controller that dies at each of its writes, on a real control plane', () => {
  let stage: CrashHarness

  beforeAll(async () => {
    stage = await startCrashHarness()
  }, BUILD_TIMEOUT_MS)

  afterAll(() => stage?.[Symbol.asyncDispose]())

  test(
    'its successors bring every release to the same end, and break no promise on the way',
    async () => {
      const played = scenarios.flatMap((scenario) => [
        { scenario, app: stage.add({ namespace: `${scenario.name}-0`, diesAt: 0, dies: 'after' }) },
        ...deaths.flatMap((dies) =>
          Array.from({ length: scenario.crashes }, (_, index) => ({
            scenario,
            app: stage.add({ namespace: `${scenario.name}-${dies}-${index + 1}`, diesAt: index + 1, dies }),
          })),
        ),
      ])
      const over = new AbortController()
      const living = stage.live(over.signal)
      await Promise.all(
        played.map(async ({ scenario, app }) => {
          await scenario.play(stage, app)
          await scenario.end(stage, app)
        }),
      )
      over.abort()
      const lives = await living
      expect(played.flatMap(({ app }) => app.violations.map((each) => `${app.namespace}: ${each}`))).toEqual([])
      // Nothing is left to do: a controller that knows nothing of what was finds all as it should be.
      const left = played.filter(({ scenario }) => scenario.name !== 'deleted').length
      expect(await stage.lookAgain(left)).toEqual([])
      for (const { name, crashes } of scenarios) {
        // A death makes some writes anew: the shortest story is that of one that was disturbed least.
        const stories = played.filter(({ scenario }) => scenario.name === name).map(({ app }) => app.writes)
        const shortest = stories.toSorted((one, other) => one.length - other.length)[0] ?? []
        expect([name, shortest.length > 3 && shortest.length <= crashes], shortest.join('\n')).toEqual([name, true])
      }
      expect(lives).toBeGreaterThan(20)
    },
    TIMEOUT_MS * 2,
  )
})

import { type Canary, canaryKind, canaryRunKind, deploymentKind } from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { CommandError } from '../exit-codes.ts'
import { type AnswerCounts, countsSince } from './load.ts'
import { createMeter } from './meter.ts'
import { countMirrored, type MirrorCount } from './mirror-count.ts'
import { judge, type Scenario, type ScenarioOutcome } from './scenarios.ts'
import type { View } from './view.ts'
import { namespace, type Wait } from './world.ts'

export interface ReleaseWorld {
  readonly client: KubeClient
  readonly wait: Wait
  readonly view: View
  /** What users have had so far, over all clients. */
  readonly counts: () => Promise<AnswerCounts>
}

const longestReleaseMs = 120_000

/** Sets the image, follows the release to its end and counts what users had meanwhile. */
export async function runRelease(world: ReleaseWorld, scenario: Scenario): Promise<ScenarioOutcome> {
  const before = await world.counts()
  const runBefore = (await readCanary(world.client)).status?.runName
  const startedAt = world.wait.clock.monotonic()
  await setImage(world.client, `demo/web:${scenario.version}`)
  const { canary, mirror } = await follow(world, scenario, runBefore)
  const seconds = (world.wait.clock.monotonic() - startedAt) / 1000
  const answered = await settledCounts(world, before)
  const outcome = {
    name: scenario.name,
    version: scenario.version,
    phase: canary.status?.phase ?? '',
    reason: canary.status?.message ?? '',
    failedMetric: await readFailedMetric(world.client, canary),
    seconds: Math.round(seconds * 10) / 10,
    mirrored: mirror.mirrored,
    mirroredOf: mirror.of,
    requestsToNewVersion: answered[scenario.version]?.requests ?? 0,
    userErrors: Object.values(answered).reduce((sum, count) => sum + count.errors, 0),
  }
  return { ...outcome, broken: judge(scenario, outcome) }
}

async function setImage(client: KubeClient, image: string): Promise<void> {
  await client.patch(
    deploymentKind,
    { namespace, name: 'web' },
    { spec: { template: { spec: { containers: [{ name: 'web', image }] } } } },
    { type: 'strategic' },
  )
}

export async function readCanary(client: KubeClient): Promise<Canary> {
  const canary = await client.get(canaryKind, { namespace, name: 'web' })
  if (canary === undefined) throw new CommandError('the canary default/web is gone')
  return canary
}

/** Reads the release until it ended; the newest count of mirrored pages is kept. */
async function follow(
  world: ReleaseWorld,
  scenario: Scenario,
  runBefore: string | undefined,
): Promise<{ readonly canary: Canary; readonly mirror: MirrorCount }> {
  const deadline = world.wait.clock.monotonic() + longestReleaseMs
  const showShares = createMeter(world)
  let mirror: MirrorCount = { mirrored: 0, of: 0 }
  for (;;) {
    world.wait.signal.throwIfAborted()
    const canary = await readCanary(world.client)
    const isNewRun = canary.status?.runName !== runBefore
    if (isNewRun) world.view.show(scenario.version, canary)
    if (isNewRun && hasEnded(canary)) return { canary, mirror }
    if (world.wait.clock.monotonic() > deadline) return { canary, mirror }
    await showShares()
    mirror = (await countMirrored(world.client, scenario.version)) ?? mirror
    await world.wait.clock.sleep(100, world.wait.signal)
  }
}

const hasEnded = (canary: Canary): boolean => ['Succeeded', 'Failed'].includes(canary.status?.phase ?? '')

/** The metric of the newest failed verdict of a run. */
async function readFailedMetric(client: KubeClient, canary: Canary): Promise<string> {
  const run = await client.get(canaryRunKind, { namespace, name: canary.status?.runName ?? '' })
  const verdicts = (run?.status?.steps ?? []).flatMap((step) => step.verdicts)
  return verdicts.findLast((verdict) => verdict.state === 'failed')?.metric ?? ''
}

/** Slow answers are still under way when the release has ended: they are this release's too. */
async function settledCounts(world: ReleaseWorld, before: AnswerCounts): Promise<AnswerCounts> {
  await world.wait.clock.sleep(1_500, world.wait.signal)
  return countsSince(before, await world.counts())
}

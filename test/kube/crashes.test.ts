import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/cli/simulate/random.ts'
import { controlPlaneTools } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { type CrashedApp, type CrashHarness, startCrashHarness } from './crash-harness.ts'
import { type CrashScenario, scenarios, WITHIN_MS } from './crash-scenarios.ts'

const skipped = skipReason('a controller that dies at each of its writes', ...controlPlaneTools, 'helm')

interface Death {
  readonly scenario: CrashScenario
  readonly at: number
  readonly dies: CrashedApp['dies']
}

/** Before each write, so that it never arrives, and after it, so that its answer is lost. */
const allDeaths: readonly Death[] = scenarios.flatMap((scenario) =>
  Array.from({ length: scenario.writes }, (_, index) =>
    (['before', 'after'] as const).map((dies) => ({ scenario, at: index + 1, dies })),
  ).flat(),
)

/** So many are played side by side, and by a run that does not ask for more. */
const AT_ONCE = 48

/** `SLUICE_TEST_CRASHES` is `all`, or the seed of another selection. */
const wanted = process.env.SLUICE_TEST_CRASHES ?? '1'

function pickDeaths(): readonly (readonly Death[])[] {
  const random = seededRandom(Number(wanted) || 1)
  const shuffled = allDeaths
    .map((death) => ({ death, place: random() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ death }) => death)
  if (wanted !== 'all') return [shuffled.slice(0, AT_ONCE)]
  const count = Math.ceil(shuffled.length / AT_ONCE)
  return Array.from({ length: count }, (_, index) => shuffled.slice(index * AT_ONCE, (index + 1) * AT_ONCE))
}

interface Played {
  readonly scenario: CrashScenario
  readonly app: CrashedApp
}

describe.skipIf(skipped !== undefined)('a controller that dies at its writes, on a real control plane', () => {
  let stage: CrashHarness

  beforeAll(async () => {
    stage = await startCrashHarness()
  }, BUILD_TIMEOUT_MS)

  afterAll(() => stage?.[Symbol.asyncDispose]())

  const played: Played[] = []

  async function playAll(apps: readonly Played[]): Promise<number> {
    played.push(...apps)
    const over = new AbortController()
    const living = stage.live(over.signal)
    await Promise.all(
      apps.map(async ({ scenario, app }) => {
        await scenario.play(stage, app)
        await scenario.end(stage, app)
      }),
    )
    over.abort()
    const lives = await living
    // The last words of each story are on their way.
    const broken = () => apps.flatMap(({ app }) => app.brokenPromises().map((each) => `${app.namespace}: ${each}`))
    await eventually(() => expect(broken()).toEqual([]), { within: 20_000, every: 1_000 })
    return lives
  }

  test(
    'nobody dies: every promise is kept, and every scenario has the writes that it says',
    async () => {
      const apps = scenarios.map((scenario) => ({
        scenario,
        app: stage.add({ namespace: scenario.name, diesAt: 0, dies: 'after' }),
      }))
      await playAll(apps)
      for (const { scenario, app } of apps) {
        const isAsMany = app.writes.length > 3 && app.writes.length <= scenario.writes
        expect([scenario.name, isAsMany], app.writes.join('\n')).toEqual([scenario.name, true])
      }
    },
    WITHIN_MS * 2,
  )

  test.each(pickDeaths().map((deaths, index) => [index + 1, deaths] as const))(
    `its successors bring every release to the same end, and break no promise on the way: deaths of ${wanted}, part %i`,
    async (_, deaths) => {
      const apps = deaths.map(({ scenario, at, dies }) => ({
        scenario,
        app: stage.add({ namespace: `${scenario.name}-${dies}-${at}`, diesAt: at, dies }),
      }))
      expect(await playAll(apps)).toBeGreaterThan(deaths.length / 3)
    },
    WITHIN_MS * 2,
  )

  test(
    'nothing is left to do: a controller that knows nothing of what was finds all as it should be',
    async () => {
      const left = played.filter(({ scenario }) => scenario.name !== 'deleted' && scenario.name !== 'selected').length
      expect(await stage.lookAgain(left)).toEqual([])
      expect(await stage.refusals()).toEqual([])
    },
    WITHIN_MS,
  )
})

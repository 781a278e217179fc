import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/cli/simulate/random.ts'
import { controlPlaneTools } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { type CrashedApp, type CrashHarness, startCrashHarness } from './crash-harness.ts'
import { type CrashScenario, scenarios } from './crash-scenarios.ts'
import { WITHIN_MS } from './crash-steps.ts'

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

/** Each part has a control plane of its own: what lies idle is read again by each of its controllers. */
const parts = pickDeaths().map((deaths, index) => [index + 1, deaths] as const)

describe.skipIf(skipped !== undefined).each(parts)(
  `a controller that dies at its writes, on a real control plane: deaths of ${wanted}, part %i`,
  (part, deaths) => {
    let stage: CrashHarness

    beforeAll(async () => {
      stage = await startCrashHarness()
    }, BUILD_TIMEOUT_MS)

    afterAll(() => stage?.[Symbol.asyncDispose]())

    const played: Played[] = []
    /** Settles when those that nobody disturbs have ended. */
    const begin = Promise.withResolvers<void>()

    const playEach = (some: readonly Played[]) =>
      Promise.all(
        some.map(async ({ scenario, app }) => {
          await scenario.play(stage, app)
          await scenario.end(stage, app)
        }),
      )

    /** Nobody dies before the first of them, undisturbed, have ended; the others are made meanwhile. */
    async function playAll(undisturbed: readonly Played[], dying: readonly Played[]): Promise<number> {
      played.push(...undisturbed, ...dying)
      const over = new AbortController()
      const living = stage.live(over.signal)
      try {
        await Promise.all([playEach(undisturbed).then(() => begin.resolve(), begin.reject), playEach(dying)])
        // The last words of each story are on their way.
        await eventually(() => expect(broken()).toEqual([]), { within: 60_000, every: 1_000 })
      } finally {
        over.abort()
      }
      return living
    }

    const broken = () => played.flatMap(({ app }) => app.brokenPromises().map((each) => `${app.namespace}: ${each}`))

    const undisturbedApps = (): readonly Played[] =>
      scenarios.map((scenario) => ({
        scenario,
        app: stage.add({ namespace: scenario.name, diesAt: 0, dies: 'after', turn: Promise.resolve() }),
      }))

    test(
      'its successors bring every release to the end that it has when nobody dies, and break no promise on the way',
      async () => {
        const undisturbed = part === 1 ? undisturbedApps() : []
        const dying = deaths.map(({ scenario, at, dies }) => ({
          scenario,
          app: stage.add({ namespace: `${scenario.name}-${dies}-${at}`, diesAt: at, dies, turn: begin.promise }),
        }))
        expect(await playAll(undisturbed, dying)).toBeGreaterThan(deaths.length / 3)
        for (const { scenario, app } of undisturbed) {
          const isAsMany = app.writes.length > 3 && app.writes.length <= scenario.writes
          expect([scenario.name, isAsMany], app.writes.join('\n')).toEqual([scenario.name, true])
        }
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
  },
)

import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { appAddressAnnotation } from '../../api/index.ts'
import { createKubeClient, type KubeClient } from '../../kube/index.ts'
import type { LocalPlatform } from '../../local/index.ts'
import { createLogger, systemClock, untilAborted, untilSignal } from '../../runtime/index.ts'
import { startLoad } from '../demo/load.ts'
import { createTotals, readFailures } from '../demo/load-totals.ts'
import { canary, client as clientDeployment, gateway, images, web } from '../demo/manifests.ts'
import { type ReleaseWorld, readCanary, runRelease } from '../demo/release.ts'
import { type DemoReport, renderReport } from '../demo/report.ts'
import { judge, type Scenario, type ScenarioOutcome, scenarios } from '../demo/scenarios.ts'
import { createView, type View } from '../demo/view.ts'
import { applyAll, gatewayPort, podAddress, podsWith, type Wait, waitFor, waitUntilAvailable } from '../demo/world.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { processOutput } from '../output.ts'
import { createPlatform, temporaryDirectory } from '../platform.ts'

export interface DemoOptions {
  readonly scenario?: readonly string[]
  readonly json?: boolean
  readonly keep?: boolean
}

const meshRequestsPerSecond = 80
const gatewayRequestsPerSecond = 20

export async function runDemo(options: DemoOptions): Promise<void> {
  const chosen = chooseScenarios(options.scenario)
  using stop = untilSignal()
  await using directory = await temporaryDirectory()
  const log = createLogger({ name: 'local', destination: createWriteStream(join(directory.path, 'platform.log')) })
  const platform = await createPlatform({ dataDirectory: directory.path, log, signal: stop.signal })
  const finished = new AbortController()
  const running = platform.start(AbortSignal.any([stop.signal, finished.signal]))
  try {
    const report = await Promise.race([runAll(platform, chosen, stop.signal), endedEarly(running)])
    processOutput.out(options.json === true ? JSON.stringify(report, null, 2) : renderReport(report))
    process.exitCode = report.ok ? exitCodes.succeeded : exitCodes.failed
    if (options.keep === true) await keep(platform, stop.signal)
  } finally {
    finished.abort()
    await running
  }
}

function chooseScenarios(names: readonly string[] | undefined): readonly Scenario[] {
  const known = scenarios.slice(1)
  const unknown = (names ?? []).find((name) => !known.some((each) => each.name === name))
  if (unknown !== undefined) {
    const list = known.map((each) => each.name).join(', ')
    throw new CommandError(`there is no scenario "${unknown}"; there are ${list}`, exitCodes.usage)
  }
  return names === undefined ? known : known.filter((each) => names.includes(each.name))
}

async function endedEarly(running: Promise<void>): Promise<never> {
  await running
  throw new CommandError('the platform was stopped before the demo had ended', exitCodes.interrupted)
}

async function runAll(platform: LocalPlatform, chosen: readonly Scenario[], signal: AbortSignal): Promise<DemoReport> {
  const startedAt = systemClock.monotonic()
  const elapsed = () => (systemClock.monotonic() - startedAt) / 1000
  const wait: Wait = { clock: systemClock, signal }
  const view = createView(processOutput, elapsed)
  await platform.ready
  view.say('the platform is up: API server, mesh, controller, Prometheus')
  const client = createKubeClient({ kubeconfig: platform.kubeconfigPath, fieldManager: 'sluice-demo' })
  const outcomes: ScenarioOutcome[] = []
  const initialisedAt = await deployFirstVersion(client, wait, view)
  const load = await startUsers(client, wait, view)
  try {
    outcomes.push(await firstOutcome({ client, wait, view, counts: load.counts }, initialisedAt))
    for (const scenario of chosen) {
      view.say(`${scenario.version}  release: ${scenario.title}`)
      outcomes.push(await runRelease({ client, wait, view, counts: load.counts }, scenario))
    }
    await tellFailures(view, outcomes, load.failures)
  } finally {
    await load.stop()
  }
  return {
    schemaVersion: 1,
    ok: outcomes.every((each) => each.broken.length === 0),
    seconds: Math.round(elapsed() * 10) / 10,
    scenarios: outcomes,
  }
}

/** Returns the seconds from the first object to the initialised canary. */
async function deployFirstVersion(client: KubeClient, wait: Wait, view: View): Promise<number> {
  const startedAt = wait.clock.monotonic()
  await applyAll(client, [...images, ...gateway, web('1.0.0'), canary])
  await waitFor(wait, 'the initialisation of canary web', 60_000, async () => {
    const current = await readCanary(client)
    view.show('1.0.0', current)
    return current.status?.phase === 'Initialized' ? current : undefined
  })
  return (wait.clock.monotonic() - startedAt) / 1000
}

interface Users {
  readonly counts: ReleaseWorld['counts']
  readonly failures: () => Promise<readonly string[]>
  readonly stop: () => Promise<void>
}

/** Constant load: a meshed client and a client of the gateway. */
async function startUsers(client: KubeClient, wait: Wait, view: View): Promise<Users> {
  await applyAll(client, [clientDeployment(meshRequestsPerSecond)])
  await waitUntilAvailable(client, wait, 'ingressgateway')
  await waitUntilAvailable(client, wait, 'client')
  const load = startLoad({
    address: await podAddress(client, 'istio=ingressgateway'),
    port: gatewayPort,
    hostHeader: 'web.example.com',
    requestsPerSecond: gatewayRequestsPerSecond,
    sequenced: false,
  })
  const [pod] = await podsWith(client, 'app=client')
  const address = pod?.metadata.annotations?.[appAddressAnnotation]
  if (address === undefined) throw new CommandError('the meshed client has no address of its own')
  view.say(
    `users call it: ${meshRequestsPerSecond} requests a second in the mesh, ${gatewayRequestsPerSecond} through the gateway`,
  )
  return { counts: createTotals(address, load), failures: () => readFailures(address, load), stop: () => load.stop() }
}

async function firstOutcome(world: ReleaseWorld, seconds: number): Promise<ScenarioOutcome> {
  const counts = await waitFor(world.wait, 'the first answer', 20_000, async () => {
    const current = await world.counts()
    return (current['1.0.0']?.requests ?? 0) >= meshRequestsPerSecond ? current : undefined
  })
  const state = await readCanary(world.client)
  const [scenario] = scenarios
  if (scenario === undefined) throw new Error('there is no first scenario')
  const outcome = {
    name: scenario.name,
    version: scenario.version,
    phase: state.status?.phase ?? '',
    reason: state.status?.message ?? '',
    failedMetric: '',
    seconds: Math.round(seconds * 10) / 10,
    mirrored: 0,
    mirroredOf: 0,
    requestsToNewVersion: counts['1.0.0']?.requests ?? 0,
    userErrors: Object.values(counts).reduce((sum, count) => sum + count.errors, 0),
  }
  return { ...outcome, broken: judge(scenario, outcome) }
}

async function tellFailures(
  view: View,
  outcomes: readonly ScenarioOutcome[],
  failures: Users['failures'],
): Promise<void> {
  if (outcomes.every((each) => each.broken.length === 0)) return
  for (const line of await failures()) view.say(line)
}

async function keep(platform: LocalPlatform, signal: AbortSignal): Promise<void> {
  processOutput.err(platform.describe())
  processOutput.err('The platform runs until Ctrl-C.')
  await untilAborted(signal)
}

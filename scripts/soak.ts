/**
 * `npm run soak -- [--releases 200] [--requests 1000000] [--canaries 8] [--at-once 3] [--rate 400] [--kill-every 10]
 * [--json]`: healthy releases of several services, some at once, on the whole local platform, as its user runs it, under
 * constant load inside the mesh and through the gateway, until there were as many releases and as many requests. After
 * each so many releases controller, mesh or Prometheus is killed. Ctrl-C lets releases in progress end, and reports. Ends
 * with 1 when a request failed, or more healthy releases were taken back than promised.
 */
import { parseArgs } from 'node:util'
import { runTogether, systemClock, untilSignal } from '../src/runtime/index.ts'
import { type PlatformChild, type SluiceLocal, startSluiceLocal } from '../test/support/sluice-local.ts'
import { buildGoTool } from './go-tools.ts'
import { type App, buildApps, shared } from './soak/apps.ts'
import { startClients } from './soak/clients.ts'
import { createReleases, type Release, type Releases } from './soak/releases.ts'
import { findBroken, renderFailures, renderReport, type Soaked, sum } from './soak/report.ts'

const { values } = parseArgs({
  options: {
    releases: { type: 'string', default: '200' },
    requests: { type: 'string', default: '1000000' },
    canaries: { type: 'string', default: '8' },
    'at-once': { type: 'string', default: '3' },
    rate: { type: 'string', default: '400' },
    'kill-every': { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
})
const wanted = { releases: Number(values.releases), requests: Number(values.requests) }
const killEvery = Number(values['kill-every'])
const victims: readonly PlatformChild[] = ['controller', 'mesh', 'prometheus']
const PROGRESS_MS = 10_000

using stop = untilSignal()
const program = await buildGoTool('load', (line) => console.error(line))
await using platform = await startSluiceLocal()
const releases = createReleases(platform.client)
const finished = new AbortController()
await runTogether(finished.signal, [
  releases.start,
  async () => {
    const soaked = await soak(platform, releases)
    console.log(values.json ? JSON.stringify(soaked) : renderReport(soaked))
    process.exitCode = soaked.broken.length === 0 ? 0 : 1
    finished.abort()
  },
])

async function soak(platform: SluiceLocal, releases: Releases): Promise<Soaked> {
  const apps = buildApps(Number(values.canaries))
  await apply(platform, [...shared(Number(values['at-once'])), ...apps.flatMap(({ objects }) => objects)])
  for (const app of apps) await releases.untilInitialized(app)
  const readReports = await startClients(platform, apps, { program, requestsPerSecond: Number(values.rate) })
  const startedAt = Date.now()
  const ended: Release[] = []
  const kills: Record<string, number> = {}
  let reports = await readReports()
  const isEnough = () =>
    stop.signal.aborted || (ended.length >= wanted.releases && sum(reports).sent >= wanted.requests)
  const releaseAgainAndAgain = async (app: App) => {
    for (let number = 1; !isEnough(); number++) {
      const release = await releases.play(app, number)
      ended.push(release)
      tell(app, release, ended.length)
      if (ended.length % killEvery === 0) kill(platform, ended.length / killEvery, kills)
    }
  }
  const over = new AbortController()
  const watch = async () => {
    for (let told = 0; !over.signal.aborted; await systemClock.sleep(PROGRESS_MS, over.signal)) {
      const earlier = reports
      reports = await readReports()
      if (sum(reports).sent < sum(earlier).sent) throw new Error('a client began anew: what it had counted is lost')
      const failures = renderFailures(reports, releases.moments)
      for (const line of failures.slice(told)) console.error(line)
      told = failures.length
    }
  }
  await Promise.all([watch(), Promise.all(apps.map(releaseAgainAndAgain)).finally(() => over.abort())])
  // What the last releases took away had requests, too.
  await systemClock.sleep(PROGRESS_MS)
  reports = await readReports()
  const failures = renderFailures(reports, releases.moments)
  const seconds = (Date.now() - startedAt) / 1_000
  return { seconds, reports, releases: ended, kills, failures, broken: findBroken(reports, ended) }
}

async function apply(platform: SluiceLocal, objects: readonly object[]): Promise<void> {
  const { code, err } = await platform.apply(objects)
  if (code !== 0) throw new Error(err)
}

function tell({ name, shape }: App, { change, phase, seconds, message }: Release, count: number): void {
  console.error(`${count}: ${name} (${shape}) ${change} ${phase} after ${seconds.toFixed(1)} s ${message}`)
}

/** One after the other; the platform starts it again. */
function kill(platform: SluiceLocal, turn: number, kills: Record<string, number>): void {
  const victim = victims[turn % victims.length] ?? 'mesh'
  try {
    process.kill(platform.child(victim).pid, 'SIGKILL')
    kills[victim] = (kills[victim] ?? 0) + 1
  } catch {
    // It is being started again.
  }
}

import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { createArgoRollouts } from '../test/bench/release/argo-rollouts.ts'
import { buildBundle } from '../test/bench/release/bundle.ts'
import { createFlagger } from '../test/bench/release/flagger.ts'
import { measureFloor } from '../test/bench/release/floor.ts'
import { type Measurement, measure } from '../test/bench/release/measure.ts'
import { createSluice } from '../test/bench/release/sluice.ts'
import type { Subject } from '../test/bench/release/subject.ts'
import { renderSummary } from '../test/bench/release/summary.ts'

/**
 * How fast and at what cost a controller releases, on a real control plane (etcd, kube-apiserver, kube-controller-manager;
 * kwok in place of kubelets). No pod runs, so the requests that a real Prometheus reads are simulated. Peers that are named
 * do the same work in the same run and are counted in the same way; so is what is left where no controller works.
 */
const { values } = parseArgs({
  options: {
    canaries: { type: 'string', default: '1' },
    rounds: { type: 'string' },
    'peer-rounds': { type: 'string' },
    interval: { type: 'string', default: '10' },
    idle: { type: 'string', default: '30' },
    flagger: { type: 'string' },
    'argo-rollouts': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const canaries = Number(values.canaries)
const rounds = Number(values.rounds ?? (canaries === 1 ? 20 : 1))
const peerRounds = Number(values['peer-rounds'] ?? Math.min(rounds, 5))
const peers: readonly Subject[] = [
  ...(values.flagger === undefined ? [] : [createFlagger(values.flagger)]),
  ...(values['argo-rollouts'] === undefined ? [] : [createArgoRollouts(values['argo-rollouts'])]),
]
const report = (line: string) => console.error(line)
const common = { canaries, intervalSeconds: Number(values.interval), idleSeconds: Number(values.idle), report }

const floor = await measureFloor({ canaries, rounds, report })
const measurements: Measurement[] = []
{
  await using bundle = await buildBundle()
  measurements.push(await measure(createSluice(bundle), { ...common, rounds }))
}
for (const peer of peers) measurements.push(await measure(peer, { ...common, rounds: peerRounds }))

const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`
if (values.json) console.log(JSON.stringify({ machine, date: new Date().toISOString(), floor, measurements }))
else {
  console.log(`${canaries} canaries, ${machine}, ${new Date().toISOString().slice(0, 10)}\n`)
  console.log(renderSummary(floor, measurements))
}
process.exit(0)

import { parseArgs } from 'node:util'
import { simulate } from '../test/simulation/simulate.ts'

/** `npm run test:simulation -- --seeds 200000 [--from 0]` for many lives of a Canary, `-- --seed 42` to read one, `--two-controllers`: a second one in every life, `--calm`: without faults of API and clocks. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    'two-controllers': { type: 'boolean', default: false },
    calm: { type: 'boolean', default: false },
  },
})

const kind = { ...(values['two-controllers'] ? { twoControllers: true } : {}), isCalm: values.calm }
const one = values.seed === undefined ? undefined : wholeNumber('seed', values.seed)
const first = one ?? wholeNumber('from', values.from)
const count = one === undefined ? wholeNumber('seeds', values.seeds) : 1
const began = performance.now()
let failed = 0
let simulatedSeconds = 0
for (let seed = first; seed < first + count; seed++) {
  const outcome = await simulate(seed, kind)
  simulatedSeconds += outcome.simulatedSeconds
  if (one !== undefined) console.log(outcome.trace.join('\n'))
  if (outcome.violations.length === 0) continue
  failed += 1
  console.log(`seed ${seed}: ${outcome.violations.join('; ')}`)
  console.log(`  to read it: npm run test:simulation -- --seed ${seed}`)
}
const seconds = ((performance.now() - began) / 1_000).toFixed(1)
console.log(`${Math.round(simulatedSeconds / 3_600)} hours simulated in ${seconds} s`)
console.log(`${count - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function wholeNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  console.error(`--${name} must be a whole number, not ${JSON.stringify(text)}`)
  return process.exit(2)
}

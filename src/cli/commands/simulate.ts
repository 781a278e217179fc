import { renderDuration } from '../../base/index.ts'
import { readCanaryFile } from '../canary-file.ts'
import { processOutput } from '../output.ts'
import { type Chance, type Estimate, estimate, type Spread } from '../simulate/estimate.ts'
import { parseSettings, type SimulateOptions } from '../simulate/settings.ts'

/** Plays many releases of a Canary over made-up traffic, and says what came of them. */
export async function simulate(file: string, options: SimulateOptions): Promise<void> {
  const settings = parseSettings(options)
  const estimated = await estimate(await readCanaryFile(file), settings)
  const { traffic, errorRate, latency, canaryErrorRate = errorRate, canaryLatency = latency } = options
  const assumed = { traffic, errorRate, canaryErrorRate, latency, canaryLatency }
  if (options.json) processOutput.out(JSON.stringify({ schemaVersion: 1, assumed, ...estimated }, null, 2))
  else processOutput.out(renderEstimate(estimated))
}

function renderEstimate(estimated: Estimate): string {
  const { runs, seed, chances, durationMs, exposedRequests, failedRequests, reasons, notSimulated } = estimated
  const lines = [
    `${runs} releases, seed ${seed}`,
    field('promoted', renderChance(chances.promoted, durationMs.promoted)),
    field('rolled back', renderChance(chances['rolled-back'], durationMs['rolled-back'])),
    field('held', renderChance(chances.held, durationMs.held)),
    field('exposed', `${renderSpread(exposedRequests)} requests answered by the new version`),
    field('failed', `${renderSpread(failedRequests)} of them`),
    ...reasons.map((reason, index) => field(index === 0 ? 'because' : '', reason)),
    ...(notSimulated.length === 0 ? [] : [field('taken to pass', notSimulated.join(', '))]),
  ]
  return lines.join('\n')
}

const field = (name: string, text: string): string => `  ${name.padEnd(14)}${text}`.trimEnd()

function renderChance({ share, lower, upper }: Chance, durations: Spread | undefined): string {
  const chance = `${percent(share)} (99% interval ${percent(lower)} to ${percent(upper)})`
  if (durations === undefined) return chance
  return `${chance}, after ${renderDuration(durations.p50)}, 9 of 10 within ${renderDuration(durations.p90)}`
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`

const renderSpread = ({ p50, p90 }: Spread): string => `${p50} (median), ${p90} (9 of 10 at most)`

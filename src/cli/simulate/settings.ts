import { parseDuration } from '../../base/index.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import type { TrafficModel, Version } from './traffic.ts'

/** What the command line says, as it was typed. */
export interface SimulateOptions {
  readonly traffic: string
  readonly errorRate: string
  readonly canaryErrorRate?: string
  readonly latency: string
  readonly canaryLatency?: string
  readonly matchShare: string
  readonly within: string
  readonly runs: string
  readonly seed: string
  readonly json: boolean
}

export interface Settings {
  readonly model: TrafficModel
  readonly withinMs: number
  readonly runs: number
  readonly seed: number
}

const MOST_REQUESTS_PER_SECOND = 1_000_000
const MOST_RUNS = 10_000
const LONGEST_MS = 24 * 3_600_000

/** Every refusal names its option and how it is written. */
export function parseSettings(options: SimulateOptions): Settings {
  const primary: Version = {
    errorRate: parsePercent('--error-rate', options.errorRate),
    ...parseLatency('--latency', options.latency),
  }
  const canary: Version = {
    errorRate: parsePercent('--canary-error-rate', options.canaryErrorRate ?? options.errorRate),
    ...parseLatency('--canary-latency', options.canaryLatency ?? options.latency),
  }
  const model = {
    requestsPerSecond: parseRate(options.traffic),
    primary,
    canary,
    matchShare: parsePercent('--match-share', options.matchShare),
  }
  return {
    model,
    withinMs: parseLength('--within', options.within, LONGEST_MS),
    runs: parseCount('--runs', options.runs, MOST_RUNS),
    seed: parseCount('--seed', options.seed, 2 ** 31 - 1),
  }
}

const refuse = (option: string, text: string, wanted: string): CommandError =>
  new CommandError(`${option}: "${text}" is not ${wanted}`, exitCodes.usage)

function parseRate(text: string): number {
  const rate = Number(/^(\d+(?:\.\d+)?)rps$/.exec(text)?.[1])
  if (rate > 0 && rate <= MOST_REQUESTS_PER_SECOND) return rate
  throw refuse('--traffic', text, `a rate above 0 and up to ${MOST_REQUESTS_PER_SECOND}rps, such as 200rps`)
}

function parsePercent(option: string, text: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1])
  if (percent >= 0 && percent <= 100) return percent / 100
  throw refuse(option, text, 'a percentage from 0% to 100%, such as 0.5%')
}

function parseLatency(option: string, text: string): Pick<Version, 'medianMs' | 'p99Ms'> {
  const [median, p99, ...more] = text.split('/').map((part) => parseDuration(part))
  const isPair = median?.ok === true && p99?.ok === true && more.length === 0
  if (isPair && median.value > 0 && p99.value >= median.value) return { medianMs: median.value, p99Ms: p99.value }
  throw refuse(option, text, 'a median and a p99 that is not smaller, such as 40ms/200ms')
}

function parseLength(option: string, text: string, longest: number): number {
  const length = parseDuration(text)
  if (length.ok && length.value >= 1_000 && length.value <= longest) return length.value
  throw refuse(option, text, 'a duration from 1s to 24h, such as 2h')
}

function parseCount(option: string, text: string, most: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= most) return count
  throw refuse(option, text, `a whole number from 1 to ${most}`)
}

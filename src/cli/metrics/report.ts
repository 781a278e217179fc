import type { MetricVerdict } from '../../api/index.ts'
import { renderDuration } from '../../base/index.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import type { Output } from '../output.ts'

export type ReportFormat = 'text' | 'json'

/** One measurement as the user sees it; `measured` is a value that was held against no limit. */
export interface Shown extends Omit<MetricVerdict, 'state'> {
  readonly state: MetricVerdict['state'] | 'measured'
  readonly dryRun?: boolean
}

/** Every measurement with its query; JSON has `about` before them. */
export function report(output: Output, about: object, shown: readonly Shown[], format: ReportFormat): void {
  const text = () => shown.map(renderShown).join('\n\n')
  output.out(format === 'json' ? JSON.stringify({ schemaVersion: 1, ...about, verdicts: shown }, null, 2) : text())
}

/** 0 when all passed, 3 when some failed, 1 when some have no verdict; those of a dry run decide nothing here either. */
export function exitCodeOf(shown: readonly Shown[]): number {
  const states = shown.filter(({ dryRun }) => dryRun !== true).map(({ state }) => state)
  if (states.includes('failed')) return exitCodes.checkFailed
  return states.every((state) => state === 'passed' || state === 'measured') ? exitCodes.succeeded : exitCodes.failed
}

function renderShown(shown: Shown): string {
  const { metric, state, dryRun, value, unit, thresholdRange, windowStart, windowEnd, query, message, decision, rule } =
    shown
  const length = renderDuration(Date.parse(windowEnd) - Date.parse(windowStart))
  return [
    `${metric}: ${state}${dryRun === true ? ' (dry run, decides nothing)' : ''}`,
    ...(value === undefined ? [] : [field('value', renderValue(value, unit))]),
    field('range', renderRange(thresholdRange)),
    field('window', `${windowStart} to ${windowEnd} (${length})`),
    field('message', message),
    ...(decision === undefined ? [] : [field('decision', rule === undefined ? decision : `${decision} (${rule})`)]),
    ...(query === '' ? [] : [renderQuery(query)]),
  ].join('\n')
}

const field = (title: string, text: string): string => `  ${title.padEnd(10)}${text}`

function renderQuery(query: string): string {
  const lines = query.trimEnd().split('\n')
  return lines.length === 1 ? field('query', query) : ['  query', ...lines.map((line) => `    ${line}`)].join('\n')
}

const UNITS: Readonly<Record<string, string>> = { percent: '%', milliseconds: ' ms' }

const renderValue = (value: number, unit = ''): string => `${Number(value.toPrecision(6))}${UNITS[unit] ?? unit}`

function renderRange({ min, max }: MetricVerdict['thresholdRange']): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`
  if (min !== undefined) return `at least ${min}`
  return max === undefined ? 'none' : `at most ${max}`
}

/** The address that a user gave, as messages may show it: a password in it is not for a terminal's history. */
export function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) {
    throw new CommandError(
      `--metrics-server: "${address}" is not an address such as http://localhost:9090`,
      exitCodes.usage,
    )
  }
  const url = new URL(address)
  url.username = ''
  url.password = ''
  return url.href.replace(/\/$/, '')
}

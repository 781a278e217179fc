import type { ClientReports } from './clients.ts'
import type { Moment, Release } from './releases.ts'

export interface Soaked {
  readonly seconds: number
  readonly reports: ClientReports
  readonly releases: readonly Release[]
  /** Processes that were killed, by name. */
  readonly kills: Readonly<Record<string, number>>
  readonly failures: readonly string[]
  readonly broken: readonly string[]
}

/** Every failed request with what its Canary was at while it was under way. */
export const renderFailures = (reports: ClientReports, moments: readonly Moment[]): readonly string[] =>
  Object.entries(reports).flatMap(([client, { failures }]) =>
    failures.map(({ dueAt, endedAt, target, what }) => {
      const states = statesBetween(moments, target, dueAt, endedAt)
      return `${new Date(dueAt).toISOString()} +${endedAt - dueAt} ms, ${client} -> ${target} (${states}): ${what}`
    }),
  )

/** With the seconds since each began. */
function statesBetween(moments: readonly Moment[], app: string, from: number, to: number): string {
  const own = moments.filter((moment) => moment.app === app && moment.at <= to)
  const first = own.findLastIndex(({ at }) => at <= from)
  return own
    .slice(Math.max(0, first))
    .map(({ at, state }) => `${state} for ${((to - at) / 1_000).toFixed(1)} s`)
    .join(', then ')
}

/** What breaks a promise: a failed request, more healthy releases taken back than 1 of 20, a version that no user met. */
export function findBroken(reports: ClientReports, releases: readonly Release[]): readonly string[] {
  const { failed } = sum(reports)
  const takenBack = releases.filter(({ phase }) => phase !== 'Succeeded')
  const unmet = releases.filter(({ phase, app, version }) => {
    const met = Object.values(reports).every(({ answers }) => (answers[app]?.[version ?? ''] ?? 0) > 0)
    return phase === 'Succeeded' && version !== undefined && !met
  })
  return [
    ...(failed > 0 ? [`${failed} requests failed`] : []),
    ...(takenBack.length * 20 > releases.length ? [`${takenBack.length} healthy releases were taken back`] : []),
    ...unmet.map(({ app, change }) => `${app} ${change} was promoted, and no user met it`),
  ]
}

export function renderReport({ seconds, reports, releases, kills, failures, broken }: Soaked): string {
  const { sent, answered, failed } = sum(reports)
  const takenBack = releases.filter(({ phase }) => phase !== 'Succeeded')
  const times = releases.map((release) => release.seconds).toSorted((one, other) => one - other)
  return [
    `${sent} requests in ${Math.round(seconds)} s: ${answered} answered, ${failed} failed`,
    ...failures.map((line) => `  ${line}`),
    `${releases.length} releases: ${releases.length - takenBack.length} promoted, ${takenBack.length} taken back by mistake`,
    ...takenBack.map(({ app, change, message }) => `  ${app} ${change}: ${message}`),
    `a release took ${times[Math.floor(times.length / 2)] ?? 0} s (median), ${times.at(-1) ?? 0} s at most`,
    ...Object.entries(reports).map(
      ([client, { p50, p99, max }]) => `${client}: p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms`,
    ),
    `killed: ${Object.entries(kills)
      .map(([name, count]) => `${name} ${count} times`)
      .join(', ')}`,
    ...broken.map((line) => `BROKEN: ${line}`),
  ].join('\n')
}

/** Over both clients. */
export function sum(reports: ClientReports): {
  readonly sent: number
  readonly answered: number
  readonly failed: number
} {
  const total = (of: 'sent' | 'answered' | 'failed') =>
    Object.values(reports).reduce((so, report) => so + report[of], 0)
  return { sent: total('sent'), answered: total('answered'), failed: total('failed') }
}

/** Labels of a series, its name apart. */
export type Labels = Readonly<Record<string, string>>

export interface Series {
  readonly name: string
  readonly labels: Labels
  /** Seconds and value. */
  readonly points: readonly (readonly [number, number])[]
}

/** Writes series as OpenMetrics text, as `promtool tsdb create-blocks-from openmetrics` reads it. */
export function renderHistory(series: readonly Series[]): string {
  const types = new Set(series.map(({ name }) => `# TYPE ${name} unknown`))
  return [...types, ...series.flatMap(renderSeries)].join('\n')
}

/** What scrapes see, one each second from `from` to `to` inclusive, a fraction after the full second. */
export function scraped(from: number, to: number, valueAt: (second: number) => number): Series['points'] {
  const seconds = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  return seconds.map((second) => [second + SCRAPE_PHASE, valueAt(second)] as const)
}

const SCRAPE_PHASE = 0.3

function renderSeries({ name, labels, points }: Series): readonly string[] {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return points.map(([seconds, value]) => `${name}{${pairs.join(',')}} ${value} ${seconds}`)
}

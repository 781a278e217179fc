import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CHART } from './helm.ts'

export interface DashboardPanel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
}

/** As Grafana's JSON model has it. */
export interface GrafanaDashboard {
  readonly uid: string
  readonly schemaVersion: number
  readonly panels: readonly DashboardPanel[]
  readonly templating: { readonly list: readonly GrafanaVariable[] }
}

interface GrafanaVariable {
  readonly name: string
  readonly type: string
  readonly definition?: string
  readonly regex?: string
}

export async function readDashboards(): Promise<readonly GrafanaDashboard[]> {
  const folder = join(CHART, 'files/dashboards')
  const files = (await readdir(folder)).toSorted()
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8'))))
}

type Values = Readonly<Record<string, string>>

/** What Grafana would offer for the variables, one after the other: every combination. */
export async function valuesOf(prometheus: string, { templating }: GrafanaDashboard): Promise<readonly Values[]> {
  let known: readonly Values[] = [{}]
  for (const variable of templating.list.filter(({ type }) => type === 'query')) {
    const next = known.map(async (values) => {
      const found = await optionsOf(prometheus, variable, values)
      return found.map((value) => ({ ...values, [variable.name]: value }))
    })
    known = (await Promise.all(next)).flat()
  }
  return known
}

async function optionsOf(
  prometheus: string,
  { definition = '', regex = '' }: GrafanaVariable,
  values: Values,
): Promise<readonly string[]> {
  const [, call, inner = ''] = /^(label_values|query_result)\((.*)\)$/.exec(definition) ?? []
  const pattern = new RegExp(/^\/(.*)\/$/.exec(regex)?.[1] ?? '.+')
  const found =
    call === 'label_values' ? await labelValues(prometheus, inner, values) : await ask(prometheus, inner, values)
  return [...new Set(found.flatMap((text) => matchOf(pattern.exec(text))))]
}

const matchOf = (match: RegExpExecArray | null): readonly string[] => (match === null ? [] : [match[1] ?? match[0]])

async function labelValues(prometheus: string, inner: string, values: Values): Promise<readonly string[]> {
  const comma = inner.lastIndexOf(',')
  const selector = fillIn(inner.slice(0, comma), values)
  const label = inner.slice(comma + 1).trim()
  return get(`${prometheus}/api/v1/label/${label}/values?${new URLSearchParams({ 'match[]': selector })}`) as Promise<
    string[]
  >
}

/** Each series as Grafana writes it in `query_result`. */
async function ask(prometheus: string, expression: string, values: Values): Promise<readonly string[]> {
  const result = await query(prometheus, fillIn(expression, values))
  return result.map(({ metric }) => JSON.stringify(metric).replace(/"([^"]+)":/g, '$1='))
}

/** Grafana's own variables: the window is four scrapes or a minute. */
const builtIn: Values = { __rate_interval: '1m' }

export const fillIn = (expression: string, values: Values): string =>
  expression.replace(/\$(?:\{(\w+)\}|([a-z_]\w*))/g, (all, braced: string | undefined, plain: string | undefined) => {
    const name = braced ?? plain ?? ''
    return values[name] ?? builtIn[name] ?? all
  })

interface Sample {
  readonly metric: Values
  readonly value: readonly [number, string]
}

/** The samples of an instant query; throws what Prometheus says against it. */
export async function query(prometheus: string, expression: string): Promise<readonly Sample[]> {
  const data = await get(`${prometheus}/api/v1/query?${new URLSearchParams({ query: expression })}`)
  return (data as { readonly result: readonly Sample[] }).result
}

async function get(url: string): Promise<unknown> {
  const response = await fetch(url)
  const { data, error, warnings } = (await response.json()) as Record<string, unknown>
  if (!response.ok || warnings !== undefined) throw new Error(`${error ?? warnings}: ${decodeURIComponent(url)}`)
  return data
}

/** Names of metrics in a query of ours; none of its functions, labels and keywords looks like one. */
export const metricsIn = (expression: string): readonly string[] => {
  const names = expression.replace(/"[^"]*"/g, '').match(/\b(?:istio|envoy|pilot|citadel|sluice|process|nodejs)_\w+/g)
  return [...new Set(names ?? [])]
}

/** The queries of the panels that do not give a number for any offered values of the variables, with why. */
export async function queriesWithoutData(prometheus: string): Promise<readonly string[]> {
  const problems: string[] = []
  for (const dashboard of await readDashboards()) {
    const offered = await valuesOf(prometheus, dashboard)
    for (const { title, targets = [] } of dashboard.panels) {
      for (const { expr } of targets) {
        if (!(await givesData(prometheus, expr, offered))) problems.push(`${dashboard.uid}: ${title}: ${expr}`)
      }
    }
  }
  return problems
}

async function givesData(prometheus: string, expression: string, offered: readonly Values[]): Promise<boolean> {
  for (const values of offered) {
    const samples = await query(prometheus, fillIn(expression, values))
    if (samples.some(({ value }) => Number.isFinite(Number(value[1])))) return true
  }
  return false
}

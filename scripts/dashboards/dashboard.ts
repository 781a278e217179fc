/** Dashboards in few words, rendered as Grafana reads them (schema version 39: Grafana 10.4 and newer). */

export type Unit = 'reqps' | 'ms' | 's' | 'percent' | 'short' | 'bytes' | 'Bps' | 'dateTimeFromNow' | 'ops' | 'none'

export interface Query {
  readonly expr: string
  /** Such as `{{response_code}}`. */
  readonly legend?: string
}

export interface Panel {
  readonly kind: 'stat' | 'graph' | 'table'
  readonly title: string
  readonly unit: Unit
  readonly queries: readonly Query[]
  readonly description?: string
  /** Of 24 columns. */
  readonly width: number
  readonly max?: number
  /** Values from which it is orange and red. */
  readonly warnAt?: number
  readonly alarmAt?: number
  /** True where small values are the bad ones. */
  readonly isLowBad?: boolean
  readonly texts?: Readonly<Record<string, string>>
}

export interface Variable {
  readonly name: string
  readonly label: string
  /** `label_values(selector, label)`, or `query_result(expression)` with a regex that takes the value out. */
  readonly query: string
  /** What is offered of it, as a regular expression of Grafana's kind. */
  readonly regex?: string
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly Variable[]
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[]
}

type PanelOptions = Partial<Omit<Panel, 'kind' | 'title' | 'queries'>>

export const stat = (title: string, expr: string, options: PanelOptions = {}): Panel => ({
  kind: 'stat',
  title,
  unit: 'short',
  width: 4,
  queries: [{ expr }],
  ...options,
})

export const graph = (title: string, queries: readonly Query[], options: PanelOptions = {}): Panel => ({
  kind: 'graph',
  title,
  unit: 'short',
  width: 12,
  queries,
  ...options,
})

const COLUMNS = 24
const HEIGHT = { stat: 4, graph: 8, table: 8, row: 1 } as const
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in
const datasource = { type: 'prometheus', uid: '${datasource}' }

interface Placed {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** The JSON model that Grafana imports. */
export function renderDashboard({ uid, title, description, variables, rows }: Dashboard): object {
  const panels: object[] = []
  let y = 0
  for (const row of rows) {
    panels.push(renderRow(panels.length + 1, row.title, { x: 0, y, w: COLUMNS, h: HEIGHT.row }))
    y += HEIGHT.row
    let x = 0
    let height = 0
    for (const panel of row.panels) {
      if (x + panel.width > COLUMNS) {
        y += height
        x = 0
        height = 0
      }
      const place = { x, y, w: panel.width, h: HEIGHT[panel.kind] }
      panels.push(renderPanel(panels.length + 1, panel, place))
      x += panel.width
      height = Math.max(height, place.h)
    }
    y += height
  }
  return {
    uid,
    title,
    description,
    tags: ['sluice'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-30m', to: 'now' },
    timezone: 'browser',
    annotations: { list: [] },
    links: [{ type: 'dashboards', tags: ['sluice'], title: 'Sluice', asDropdown: true, keepTime: true }],
    templating: { list: [datasourceVariable, ...variables.map(renderVariable)] },
    panels,
  }
}

const datasourceVariable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  current: {},
  hide: 0,
}

const renderVariable = ({ name, label, query, regex = '' }: Variable): object => ({
  name,
  label,
  type: 'query',
  datasource,
  query: { query, refId: name },
  definition: query,
  regex,
  refresh: 2,
  sort: 1,
  includeAll: false,
  multi: false,
  current: {},
  hide: 0,
})

const renderRow = (id: number, title: string, gridPos: Placed): object => ({
  id,
  type: 'row',
  title,
  gridPos,
  collapsed: false,
  panels: [],
})

const types = { stat: 'stat', graph: 'timeseries', table: 'table' } as const

function renderPanel(id: number, panel: Panel, gridPos: Placed): object {
  const { kind, title, description, queries } = panel
  return {
    id,
    type: types[kind],
    title,
    ...(description === undefined ? {} : { description }),
    gridPos,
    datasource,
    fieldConfig: { defaults: renderDefaults(panel), overrides: [] },
    options: optionsOf(kind),
    ...(kind === 'table' ? { transformations: [{ id: 'merge', options: {} }] } : {}),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend ?? '__auto',
      ...(kind === 'graph'
        ? { range: true }
        : { instant: true, range: false, format: kind === 'table' ? 'table' : 'time_series' }),
    })),
  }
}

function renderDefaults({ kind, unit, max, warnAt, alarmAt, isLowBad = false, texts = {} }: Panel): object {
  const colours = isLowBad ? ['red', 'orange', 'green'] : ['green', 'orange', 'red']
  const limits = isLowBad ? [alarmAt, warnAt] : [warnAt, alarmAt]
  const steps = limits.flatMap((value, index) => (value === undefined ? [] : [{ color: colours[index + 1], value }]))
  const first = steps.length === 0 ? 'blue' : colours[0]
  return {
    unit,
    min: unit === 'dateTimeFromNow' ? null : 0,
    ...(max === undefined ? {} : { max }),
    color: { mode: kind === 'graph' ? 'palette-classic' : 'thresholds' },
    thresholds: { mode: 'absolute', steps: [{ color: first, value: null }, ...steps] },
    mappings: Object.entries(texts).map(([value, text], index) => ({
      type: 'value',
      options: { [value]: { text, index } },
    })),
    ...(kind === 'graph' ? { custom: { lineWidth: 1, fillOpacity: 8, showPoints: 'never', spanNulls: false } } : {}),
  }
}

function optionsOf(kind: Panel['kind']): object {
  if (kind === 'table') return { showHeader: true }
  if (kind === 'graph')
    return { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
  return {
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    colorMode: 'value',
    graphMode: 'none',
    textMode: 'auto',
  }
}

import { expect, test } from 'vitest'
import { type DashboardPanel, readDashboards } from '../support/dashboards.ts'

const dashboards = await readDashboards()

test('there are four, of the version of the JSON model that Grafana 10.4 and newer read', () => {
  expect(dashboards.map(({ uid, schemaVersion }) => ({ uid, schemaVersion }))).toEqual(
    ['sluice-control-plane', 'sluice-mesh', 'sluice-release', 'sluice-workload'].map((uid) => ({
      uid,
      schemaVersion: 39,
    })),
  )
})

test.each(dashboards.map((dashboard) => [dashboard.uid, dashboard] as const))(
  '%s: panels lie side by side, each with a number of its own, queries of the chosen data source and known variables',
  (_uid, { panels, templating }) => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([])
    expect(panels.flatMap((one, index) => panels.slice(index + 1).filter((other) => overlap(one, other)))).toEqual([])
    const names = new Set([...templating.list.map(({ name }) => name), '__rate_interval'])
    for (const { type, datasource, targets = [] } of panels.filter((panel) => panel.type !== 'row')) {
      expect(['stat', 'timeseries', 'table']).toContain(type)
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in
      expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' })
      expect(targets.length).toBeGreaterThan(0)
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
      const used = targets.flatMap(({ expr }) => [...expr.matchAll(/\$([a-z_]\w*)/g)].map(([, name = '']) => name))
      expect(used.filter((name) => !names.has(name))).toEqual([])
    }
  },
)

const overlap = ({ gridPos: one }: DashboardPanel, { gridPos: other }: DashboardPanel): boolean =>
  one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h

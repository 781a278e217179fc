import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { provisionPromtool } from '../../src/local/tools/index.ts'
import { CHART } from '../support/helm.ts'

const rulesFile = join(CHART, 'files/prometheus-rules.yaml')
const testsFile = join(import.meta.dirname, 'prometheus-rules.yaml')

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly record?: string; readonly alert?: string }[] }[]
}

interface RuleTests {
  readonly tests: readonly {
    readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples?: readonly object[] }[]
    readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts?: readonly object[] }[]
  }[]
}

async function promtool(...args: readonly string[]): Promise<string> {
  const environment = process.env
  const { path } = await provisionPromtool({ environment, report: () => {}, signal: AbortSignal.timeout(110_000) })
  const { stdout } = await promisify(execFile)(path, [...args])
  return stdout
}

const read = async (file: string): Promise<unknown> => parse(await readFile(file, 'utf8'))

test('promtool finds nothing wrong with the rules, and they give what their tests expect', async () => {
  expect(await promtool('check', 'rules', '--lint-fatal', rulesFile)).toMatch(/SUCCESS: \d+ rules found/)
  expect(await promtool('test', 'rules', testsFile)).toMatch(/SUCCESS/)
})

test('every rule has a test that expects something of it, every alert one that expects silence', async () => {
  const { groups } = (await read(rulesFile)) as Rules
  const { tests } = (await read(testsFile)) as RuleTests
  const rules = groups.flatMap((group) => group.rules)
  const asked = tests
    .flatMap((each) => each.promql_expr_test ?? [])
    .filter(({ exp_samples = [] }) => exp_samples.length > 0)
  const alerts = tests.flatMap((each) => each.alert_rule_test ?? [])
  const names = (firing: boolean) =>
    new Set(alerts.filter(({ exp_alerts = [] }) => exp_alerts.length > 0 === firing).map(({ alertname }) => alertname))
  const untested = rules.filter(({ record, alert = '' }) =>
    record === undefined
      ? !names(true).has(alert) || !names(false).has(alert)
      : !asked.some(({ expr }) => expr.split('{')[0] === record),
  )
  expect(untested).toEqual([])
  expect(rules.length).toBeGreaterThan(25)
})

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { scenarios } from '../../src/cli/demo/scenarios.ts'

interface Report {
  readonly ok: boolean
  readonly scenarios: readonly {
    readonly name: string
    readonly phase: string
    readonly reason: string
    readonly failedMetric: string
    readonly seconds: number
    readonly mirrored: number
    readonly mirroredOf: number
    readonly requestsToNewVersion: number
    readonly userErrors: number
    readonly broken: readonly string[]
  }[]
}

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** The demo as its user runs it: a process of its own, real Envoys, a real Prometheus, five releases under load. */
async function runDemo(): Promise<Report> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'demo', '--json'], {
    maxBuffer: 10_000_000,
    timeout: 280_000,
  }).catch((error: { stdout?: string; stderr?: string; message: string }) => {
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`)
  })
  return JSON.parse(stdout) as Report
}

describe('npm run demo -- --json', () => {
  let report: Report
  beforeAll(async () => {
    report = await runDemo()
  }, 300_000)

  test('exits 0 and reports every scenario', () => {
    expect(report.ok).toBe(true)
    expect(report.scenarios.map((each) => each.name)).toEqual(scenarios.map((each) => each.name))
  })

  test.each(scenarios)('$name ends $phase', (scenario) => {
    const outcome = report.scenarios.find((each) => each.name === scenario.name)
    expect(outcome?.broken).toEqual([])
    expect(outcome?.phase).toBe(scenario.phase)
    expect(outcome?.failedMetric).toBe(scenario.metric ?? '')
  })

  test('a good release fails no request, and a version that fails on mirrored traffic never has a user', () => {
    const byName = Object.fromEntries(report.scenarios.map((each) => [each.name, each]))
    expect(byName.good?.userErrors).toBe(0)
    expect(byName['mirrored-errors']?.requestsToNewVersion).toBe(0)
    expect(byName['mirrored-errors']?.userErrors).toBe(0)
  })

  test('the mirrored requests are the primary’s, within 1 %', () => {
    for (const outcome of report.scenarios.slice(1)) {
      expect(outcome.mirroredOf).toBeGreaterThan(20)
      expect(Math.abs(outcome.mirrored - outcome.mirroredOf)).toBeLessThanOrEqual(Math.max(1, outcome.mirroredOf / 100))
    }
  })
})

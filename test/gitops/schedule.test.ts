import { expect, test } from 'vitest'
import { parseSchedule } from '../../src/gitops/index.ts'

const at = (text: string): number => Date.parse(`2026-01-01T${text}Z`)

test.each([
  ['*/5 * * * *', '10:02:31', at('10:05:00')],
  ['*/5 * * * *', '10:05:00', at('10:10:00')],
  ['*/10 * * * * *', '10:02:31', at('10:02:40')],
  ['0 3 * * *', '10:00:00', Date.parse('2026-01-02T03:00:00Z')],
  ['0 0 1 2 *', '10:00:00', Date.parse('2026-02-01T00:00:00Z')],
])('%s after %s', (text, after, expected) => {
  const schedule = parseSchedule(text)
  expect(schedule.ok && schedule.value.nextAfter(at(after))).toBe(expected)
})

test.each(['', 'often', '* * * *', '61 * * * *', '0 0 30 2 *'])('%j is refused', (text) =>
  expect(parseSchedule(text)).toEqual({
    ok: false,
    error: `spec.schedule: "${text}" is not a cron line such as "*/5 * * * *"`,
  }),
)

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Notice } from '../../../src/notify/index.ts'
import { renderSlack } from '../../../src/notify/notifiers/slack.ts'
import { noticeOf } from '../../support/notices.ts'

const spec = { type: 'slack' as const, username: 'sluice' }

test('a rollback', () => {
  expect(renderSlack(noticeOf(), { ...spec, channel: '#releases' })).toEqual({
    channel: '#releases',
    username: 'sluice',
    text: 'shop/web RolledBack: success rate 91.2 % is below 99 % (912 of 1000 requests)',
    attachments: [
      {
        color: '#e01e5a',
        fallback: 'success rate 91.2 % is below 99 % (912 of 1000 requests)',
        blocks: [
          {
            type: 'section',
            text: {
              type: 'mrkdwn',
              text: '*shop/web RolledBack*\nsuccess rate 91.2 % is below 99 % (912 of 1000 requests)',
            },
          },
          { type: 'section', fields: [{ type: 'mrkdwn', text: '*weight*\n20' }] },
          {
            type: 'context',
            elements: [{ type: 'mrkdwn', text: 'Failed · 5f6c · 2026-01-01T00:00:00Z · 5f6c0001' }],
          },
        ],
      },
    ],
  })
})

test('the channel is left out where none is named, and an empty list of fields makes no section', () => {
  const rendered = renderSlack(noticeOf({ fields: [] }), spec)
  expect(Object.keys(rendered)).toEqual(['username', 'text', 'attachments'])
  expect(JSON.stringify(rendered)).not.toContain('fields')
})

test.each([
  ['info', '#2eb67d'],
  ['warn', '#ecb22e'],
  ['error', '#e01e5a'],
] as const)('%s has a colour of its own', (severity, color) => {
  expect(renderSlack(noticeOf({ severity }), spec)).toMatchObject({ attachments: [{ color }] })
})

describe('what Slack would read as mark-up', () => {
  test('is escaped, so that no text mentions everyone', () => {
    const rendered = JSON.stringify(renderSlack(noticeOf({ text: '<!channel> a & b' }), spec))
    expect(rendered).toContain('&lt;!channel&gt; a &amp; b')
    expect(rendered).not.toContain('<!channel>')
  })

  test('is never cut within an escape or a character, and all limits hold', () => {
    const long = fc.array(fc.constantFrom('&', '<', 'x', '🚀'), { minLength: 2_000, maxLength: 4_000 })
    fc.assert(
      fc.property(long, fc.integer({ min: 0, max: 60 }), (parts, count) => {
        const text = parts.join('')
        const fields = Array.from({ length: count }, (_, index) => ({ name: `field ${index}`, value: text }))
        checkLimits(renderSlack(noticeOf({ text, reason: text, fields } satisfies Partial<Notice>), spec))
      }),
      { numRuns: 20 },
    )
  })
})

function checkLimits(rendered: unknown): void {
  for (const text of textsIn(rendered)) {
    expect(text.length).toBeLessThanOrEqual(3_000)
    expect(text.isWellFormed()).toBe(true)
    expect(text.replaceAll(/&(amp|lt|gt);/g, '')).not.toMatch(/[&<>]/)
  }
  for (const fields of fieldListsIn(rendered)) {
    expect(fields.length).toBeLessThanOrEqual(10)
    for (const text of textsIn(fields)) expect(text.length).toBeLessThanOrEqual(2_000)
  }
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : []
}

function fieldListsIn(value: unknown): readonly (readonly unknown[])[] {
  if (value === null || typeof value !== 'object') return []
  const own = 'fields' in value && Array.isArray(value.fields) ? [value.fields] : []
  return [...own, ...Object.values(value).flatMap(fieldListsIn)]
}

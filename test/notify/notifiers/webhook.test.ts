import { expect, test } from 'vitest'
import { renderWebhook } from '../../../src/notify/notifiers/webhook.ts'
import { noticeOf } from '../../support/notices.ts'

test('the document has its schema version and every field of the notice', () => {
  expect(renderWebhook(noticeOf(), { type: 'webhook', username: 'sluice' })).toEqual({
    schemaVersion: 1,
    id: '5f6c0001',
    canary: 'web',
    namespace: 'shop',
    severity: 'error',
    reason: 'RolledBack',
    text: 'success rate 91.2 % is below 99 % (912 of 1000 requests)',
    phase: 'Failed',
    revision: '5f6c',
    fields: [{ name: 'weight', value: '20' }],
    time: '2026-01-01T00:00:00Z',
  })
})

import type { AlertProvider } from '../../src/api/index.ts'
import type { Notice, NoticeResult, NoticeTarget, Notifier } from '../../src/notify/index.ts'

export const noticeOf = (more: Partial<Notice> = {}): Notice => ({
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
  ...more,
})

export function targetOf(address: string, spec: Partial<AlertProvider['spec']> = {}): NoticeTarget {
  return {
    address,
    provider: {
      apiVersion: 'sluice.dev/v1',
      kind: 'AlertProvider',
      metadata: { name: 'on-call', namespace: 'shop' },
      spec: { type: 'webhook', username: 'sluice', ...spec },
    },
  }
}

/** Its receivers never answer; `sent` gets the reasons of what they were sent. */
export const silentNotifier = (sent: string[] = []): Notifier => ({
  send(_, { reason }) {
    sent.push(reason)
    return new Promise<NoticeResult>(() => undefined)
  },
  drain: async () => undefined,
})

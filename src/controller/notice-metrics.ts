import { Counter, type Registry } from 'prom-client'

/** Returns what counts the notices that were, or could not be, sent. */
export function createNoticeCounter(registry: Registry): (result: string, type: string) => void {
  const sent = new Counter({
    registers: [registry],
    name: 'sluice_notices_total',
    help: 'Notices to AlertProviders',
    labelNames: ['type', 'result'],
  })
  return (result, type) => sent.inc({ type, result })
}

import type { Renderer } from '../renderer.ts'

/**
 * JSON for programs, flat and versioned: `schemaVersion` rises when a field changes its meaning or goes, not when one
 * comes. A notice may arrive twice, with the same `id`. `severity` is info, warn or error, `time` is RFC 3339, `fields` keeps its order.
 */
export const renderWebhook: Renderer = (notice) => ({
  schemaVersion: 1,
  id: notice.id,
  canary: notice.canary,
  namespace: notice.namespace,
  severity: notice.severity,
  reason: notice.reason,
  text: notice.text,
  phase: notice.phase,
  revision: notice.revision,
  fields: notice.fields,
  time: notice.time,
})

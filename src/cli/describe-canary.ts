import type { Canary } from '../api/index.ts'

/** One row of `sluice get canary`: names and numbers a person looks for first. */
export function canaryRow(canary: Canary): readonly string[] {
  const status = canary.status
  return [
    canary.metadata.namespace ?? '',
    canary.metadata.name,
    status?.phase || '-',
    `${status?.canaryWeight ?? 0}%`,
    (status?.mirrorWeight ?? 0) > 0 ? `${status?.mirrorWeight}%` : '-',
    String(status?.failedChecks ?? 0),
    status?.message ?? '',
  ]
}

export const canaryHeads = ['NAMESPACE', 'NAME', 'STATUS', 'WEIGHT', 'MIRROR', 'FAILED', 'MESSAGE'] as const

export type ReleaseEnd = 'succeeded' | 'rolled-back' | 'running'

/** How the newest release stands; a first deploy counts as succeeded. */
export function releaseEnd(canary: Canary): ReleaseEnd {
  const status = canary.status
  const isCurrent = (status?.observedGeneration ?? 0) >= (canary.metadata.generation ?? 0)
  if (!isCurrent) return 'running'
  if (status?.phase === 'Succeeded' || status?.phase === 'Initialized') return 'succeeded'
  return status?.phase === 'Failed' ? 'rolled-back' : 'running'
}

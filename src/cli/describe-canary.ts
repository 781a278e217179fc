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
    imagesOf(status?.version),
    status?.message ?? '',
  ]
}

/** Without the revision: `sluice status` has it. */
const imagesOf = (version: string | undefined): string => version?.replace(/ \([^)]*\)$/, '') ?? '-'

export const canaryHeads = ['NAMESPACE', 'NAME', 'STATUS', 'WEIGHT', 'MIRROR', 'FAILED', 'VERSION', 'MESSAGE'] as const

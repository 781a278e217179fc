import type { AuditedRequest } from './audit-log.ts'

export interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** `verb group/resource` of every right that was granted and never used. */
export function unusedRights(rules: readonly PolicyRule[], requests: readonly AuditedRequest[]): readonly string[] {
  const used = new Set(requests.map(({ verb, group, resource }) => describeRight(verb, group, resource)))
  const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => describeRight(verb, group, resource))),
    ),
  )
  return granted.filter((right) => !used.has(right)).toSorted()
}

const describeRight = (verb: string, group: string, resource: string): string => `${verb} ${group}/${resource}`

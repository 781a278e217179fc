import type { Canary, HttpRoute, VirtualService } from '../api/index.ts'

/** The rule that every other one is beside. */
export const SPLIT_RULE = 'split'

/** Fields of a route that are others' where the Canary says nothing of them. */
const sharedFields = ['rewrite', 'headers', 'corsPolicy'] as const

/** Names those that came from the Canary: they go when it no longer has them. */
export const routeFieldsAnnotation = 'sluice.dev/route-fields'

type Metadata = VirtualService['metadata']

export function withRouteFields(metadata: Metadata, { spec }: Canary): Metadata {
  const fields = sharedFields.filter((name) => spec.service[name] !== undefined).join(',')
  const { [routeFieldsAnnotation]: former, ...annotations } = metadata.annotations ?? {}
  if (fields === (former ?? '')) return metadata
  return { ...metadata, annotations: fields === '' ? annotations : { ...annotations, [routeFieldsAnnotation]: fields } }
}

/**
 * What somebody added to a rule of ours (faults, CORS where the Canary has none) stays, and holds for a new rule beside
 * it; what we no longer want of our own fields goes.
 */
export function keepForeignFields(
  rules: readonly HttpRoute[],
  existing: VirtualService | undefined,
): readonly HttpRoute[] {
  const ours = (existing?.metadata.annotations?.[routeFieldsAnnotation] ?? '').split(',')
  const named = (wanted: string | undefined) =>
    existing?.spec.http?.find(({ name }) => name !== undefined && name === wanted)
  return rules.map((rule) => ({ ...foreignFields(named(rule.name) ?? named(SPLIT_RULE), ours), ...rule }))
}

function foreignFields(former: HttpRoute | undefined, ours: readonly string[]): object {
  const { match: _1, route: _2, mirror: _3, mirrorPercentage: _4, timeout: _5, retries: _6, ...rest } = former ?? {}
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !ours.includes(name)))
}

import { parseDuration } from '../../base/index.ts'

/** A field for what was said; 0 says nothing, as in Istio. */
export const limit = <Name extends string>(name: Name, value: number | undefined) =>
  field(name, value === 0 ? undefined : value)

/** A field for what was said. */
export const field = <Name extends string>(
  name: Name,
  value: number | undefined,
): { readonly [key in Name]?: number } => {
  const fields: { [key in Name]?: number } = {}
  if (value !== undefined) fields[name] = value
  return fields
}

export function milliseconds(duration: string | undefined): number | undefined {
  const parsed = duration === undefined ? undefined : parseDuration(duration)
  return parsed?.ok ? parsed.value : undefined
}

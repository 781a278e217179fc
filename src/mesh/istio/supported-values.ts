import { RE2JS } from 're2js'
import { z } from 'zod'
import { DURATION_PATTERN } from '../../base/index.ts'

/** What fields of several kinds hold. */
export const text = z.string().min(1)
export const labels = z.record(z.string(), z.string())
export const port = z.int().min(1).max(65_535)
export const duration = z.string().regex(new RegExp(DURATION_PATTERN), 'must be a duration such as "10s"')
export const longerThanZero = duration.refine((value) => /[1-9]/.test(value), 'must be longer than 0s')

export const addressRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be an address or a range (CIDR)',
})

/** Namespaces; `*` is all, `.` the object's own, `~` none. */
export const exportTo = z
  .array(text.regex(/^(\*|\.|~|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/, 'must be ".", "*", "~" or a namespace'))
  .default([])

/** Envoy refuses a whole response for one bad expression, so none gets that far. */
export const regex = text.refine(isRegex, { message: 'must be an RE2 expression', params: { code: 'InvalidRegex' } })

function isRegex(expression: string): boolean {
  try {
    return RE2JS.compile(expression) !== undefined
  } catch {
    return false
  }
}

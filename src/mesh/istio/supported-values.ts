import { RE2JS } from 're2js'
import { z } from 'zod'
import { DURATION_PATTERN } from '../../base/index.ts'

/** What fields of several kinds hold. */
export const text = z.string().min(1)
export const labels = z.record(z.string(), z.string())
export const port = z.int().min(1).max(65_535)
const durationForm = 'must be a duration in quotes such as "10s"'
export const duration = z.string(durationForm).regex(new RegExp(DURATION_PATTERN), 'must be a duration such as "10s"')
export const longerThanZero = duration.refine((value) => /[1-9]/.test(value), 'must be longer than 0s')

export const ipAddress = z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' })

export const addressRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be an address or a range (CIDR)',
})

/** A field of Istio that is named only to say what to write instead. */
export const refused = (instead: string) =>
  z.undefined({ error: `this mesh does not support the field: ${instead}` }).optional()

export const caCrl = refused('have the authority issue short-lived certificates; lists of revoked ones are not read')

/** Namespaces; `*` is all, `.` the object's own, `~` none. */
export const exportTo = z
  .array(text.regex(/^(\*|\.|~|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/, 'must be ".", "*", "~" or a namespace'))
  .default([])

/** Envoy refuses a whole response for one bad expression, so none gets that far. */
export const regex = text.refine((expression) => regexProblem(expression) === undefined, {
  error: ({ input }) => `must be an RE2 expression: ${regexProblem(String(input))}`,
  params: { code: 'InvalidRegex' },
})

export function regexProblem(expression: string): string | undefined {
  try {
    RE2JS.compile(expression)
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'it cannot be read'
    return reason.includes('Perl syntax') ? `${reason}; RE2 has no look-around and no back references` : reason
  }
}

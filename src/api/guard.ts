import { z } from 'zod'

/** What the continuous guard may do to a release between two checks. */
export const guardSchema = z.object({
  enabled: z.boolean().default(true).describe('Whether built-in metrics are read between two checks, too.'),
  errorShare: z
    .number()
    .min(0.05)
    .max(0.999)
    .default(0.2)
    .describe(
      'Share of failed (or too slow) requests above which a built-in metric with a thresholdRange, but no limits, rolls back between two checks.',
    ),
  minRequests: z.int().min(5).max(1_000_000).default(10).describe('Requests that it takes.'),
})

export type GuardSettings = z.output<typeof guardSchema>

const unset: GuardSettings = guardSchema.parse({})

/** The settings of a Canary, with their defaults where it has none. */
export const guardSettingsOf = ({ guard }: { readonly guard?: GuardSettings | undefined }): GuardSettings =>
  guard ?? unset

import { parseArgs } from 'node:util'
import { z } from 'zod'

const count = (standard: number) => z.coerce.number().int().positive().default(standard)

const optionsSchema = z.object({
  /** Requests a second. */
  rate: count(1_000),
  connections: count(16),
  /** Of the body of each request, and of each answer. */
  bytes: count(1_024),
  /** Of each turn. */
  seconds: count(10),
  rounds: count(3),
  /** What keeps idle processors from sleeping; nothing when absent. */
  awake: z.enum(['poll', 'loops']).optional(),
  json: z.boolean().default(false),
})
export type BenchOptions = z.infer<typeof optionsSchema>

/** Throws a text for the user. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: 'string' },
      connections: { type: 'string' },
      bytes: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      awake: { type: 'string' },
      json: { type: 'boolean' },
    },
  })
  const options = optionsSchema.safeParse(values)
  if (!options.success) throw new Error(z.prettifyError(options.error), { cause: options.error })
  return options.data
}

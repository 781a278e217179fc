import { z } from 'zod'
import { port, text } from './supported-values.ts'

/** Where a route leads. */
export const destination = z.strictObject({
  host: text,
  subset: z.string().optional(),
  port: z.strictObject({ number: port }).optional(),
})

export type DestinationSpec = z.output<typeof destination>

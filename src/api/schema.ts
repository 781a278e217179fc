import { z } from 'zod'

/** Metadata is checked by the API server: here it only passes through. */
export const objectMetaSchema = z.looseObject({ name: z.string(), namespace: z.string().optional() })

export const conditionSchema = z.object({
  type: z.string().describe('Name of the condition.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  reason: z.string().describe('One CamelCase word for the cause.'),
  message: z.string().describe('The cause in a sentence.'),
  lastTransitionTime: z.string().describe('Time of the last change of status.'),
  lastUpdateTime: z.string().optional().describe('Time of the last change of any field.'),
  observedGeneration: z.int().optional().describe('Generation of the spec it speaks of.'),
})

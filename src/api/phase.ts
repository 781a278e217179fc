import { z } from 'zod'

/** Flagger's phases, word for word, so that tools keyed on them work. */
export const phaseSchema = z.enum([
  '',
  'Initializing',
  'Initialized',
  'Waiting',
  'Progressing',
  'WaitingPromotion',
  'Promoting',
  'Finalising',
  'Succeeded',
  'Failed',
  'Terminating',
])
export type Phase = z.infer<typeof phaseSchema>

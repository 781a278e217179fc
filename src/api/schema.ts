import { z } from 'zod'
import { DURATION_PATTERN, parseDuration } from '../base/index.ts'
import { mapListBy, withRules } from './rules.ts'

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

export const conditionsSchema = mapListBy('type', z.array(conditionSchema).max(16))

export const durationSchema = z.string().max(32).regex(new RegExp(DURATION_PATTERN))

const lastsASecond = (text: string): boolean => {
  const duration = parseDuration(text)
  return duration.ok && duration.value >= 1_000
}

/** Prometheus cannot tell windows shorter than a scrape apart. */
export const intervalSchema = withRules(durationSchema, [
  { cel: "duration(self) >= duration('1s')", message: 'must be at least 1s', holds: lastsASecond },
])

export const nameSchema = z.string().min(1).max(253)
export const namespaceNameSchema = z.string().min(1).max(63)

const WEB_ADDRESS = '^https?://[^/?#]+'

export const webAddressSchema = withRules(z.string().min(1).max(2048), [
  {
    cel: `self.matches('${WEB_ADDRESS}')`,
    message: 'must be an address that begins with http:// or https://',
    holds: (address) => new RegExp(WEB_ADDRESS).test(address),
  },
])

import { Counter, type Registry } from 'prom-client'
import { z } from 'zod'
import { type AdmissionAnswer, reviewAdmission } from './admission.ts'

const resourceSchema = z.looseObject({
  request: z.looseObject({
    resource: z.object({ group: z.string(), version: z.string(), resource: z.string() }),
  }),
})

/** Answers reviews as `reviewAdmission` does, and counts them under Istio's names. */
export function countedReviews(registry: Registry): (body: unknown) => AdmissionAnswer | undefined {
  const registers = [registry]
  const labelNames = ['group', 'version', 'resource']
  const passed = new Counter({
    registers,
    name: 'galley_validation_passed',
    help: 'Objects that the admission webhook let through',
    labelNames,
  })
  const failed = new Counter({
    registers,
    name: 'galley_validation_failed',
    help: 'Objects that the admission webhook refused; the reason is that of the status, Invalid',
    labelNames: [...labelNames, 'reason'],
  })
  return (body) => {
    const answer = reviewAdmission(body)
    const asked = resourceSchema.safeParse(body)
    if (answer === undefined || !asked.success) return answer
    const { resource } = asked.data.request
    const { status } = answer.response
    if (status === undefined) passed.inc(resource)
    else failed.inc({ ...resource, reason: status.reason })
    return answer
  }
}

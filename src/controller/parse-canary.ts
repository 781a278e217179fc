import { type Canary, canarySpecSchema } from '../api/index.ts'
import { failure, type Result, remember, success } from '../base/index.ts'

/**
 * The object with every default filled; the API server checked it, unless the CRD was older than this controller. Read
 * once for each state of the object, and its spec once for each spec: most passes are woken by something else.
 */
export const parseCanary = remember(readCanary)

const parseSpec = remember((spec: Canary['spec']) => canarySpecSchema.safeParse(spec))

function readCanary(object: Canary): Result<Canary> {
  const unsupported = 'unsupported' in object.spec ? object.spec.unsupported : undefined
  if (Array.isArray(unsupported)) {
    return failure(`spec.${unsupported.join(', spec.')}: Sluice does not do this for a Canary of Flagger`)
  }
  const parsed = parseSpec(object.spec)
  if (parsed.success) return success({ ...object, spec: parsed.data })
  const [issue] = parsed.error.issues
  const path = ['spec', ...(issue?.path ?? [])].join('.')
  return failure(`${path}: ${issue?.message ?? 'is invalid'}`)
}

/** What giving the workload back needs to know: a deleted Canary may be wrong in everything else. */
export function parseDeleted(object: Canary): Result<Canary> {
  const whole = parseCanary(object)
  if (whole.ok) return whole
  const { targetRef, service } = object.spec
  const parsed = canarySpecSchema.safeParse({ targetRef, service, analysis: { stepWeight: 100 } })
  return parsed.success ? success({ ...object, spec: parsed.data }) : whole
}

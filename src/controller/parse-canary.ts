import { type Canary, canarySpecSchema } from '../api/index.ts'
import { failure, type Result, success } from '../base/index.ts'

/** The object with every default filled; the API server checked it, unless the CRD was older than this controller. */
export function parseCanary(object: Canary): Result<Canary> {
  const parsed = canarySpecSchema.safeParse(object.spec)
  if (parsed.success) return success({ ...object, spec: parsed.data })
  const [issue] = parsed.error.issues
  const path = ['spec', ...(issue?.path ?? [])].join('.')
  return failure(`${path}: ${issue?.message ?? 'is invalid'}`)
}

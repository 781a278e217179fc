import { z } from 'zod'
import { canonicalJson, isRecord } from '../../base/index.ts'
import { checkObject, healthCheckTextOf, renderPath } from '../istio/index.ts'

const reviewSchema = z.looseObject({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.looseObject({
    uid: z.string(),
    object: z.unknown(),
    oldObject: z.unknown(),
  }),
})

export interface AdmissionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string }
  }
}

/**
 * Answers an AdmissionReview of the mesh's objects: what the mesh would refuse is denied, with the path of every field.
 * Undefined for a body that is no AdmissionReview. An object that was refused before may change in all but its spec, so
 * that it can be labelled and deleted.
 */
export function reviewAdmission(body: unknown): AdmissionAnswer | undefined {
  const parsed = reviewSchema.safeParse(body)
  if (!parsed.success) return undefined
  const { uid, object, oldObject } = parsed.data.request
  const problems = checkedText(object) === checkedText(oldObject) ? [] : problemsOf(object)
  const answer = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' } as const
  if (problems.length === 0) return { ...answer, response: { uid, allowed: true } }
  const status = { code: 422, reason: 'Invalid', message: problems.join('; ') }
  return { ...answer, response: { uid, allowed: false, status } }
}

const problemsOf = (object: unknown): readonly string[] =>
  checkObject(object)
    // A name may still be made from generateName.
    .filter(({ path: [top, field] }) => top === 'spec' || field === 'annotations')
    .map(({ code, path, message }) => `${renderPath(path)}: ${message} (${code})`)

/** Nothing equals what is not there. */
function checkedText(object: unknown): string | symbol {
  if (!isRecord(object) || !('spec' in object)) return Symbol('no spec')
  return canonicalJson([object.spec, healthCheckTextOf(object)])
}

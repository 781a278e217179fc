import { createPatch } from 'rfc6902'
import { z } from 'zod'
import { injectPod } from './inject.ts'
import { type InjectablePod, podSchema } from './pod-schema.ts'
import type { InjectionSettings } from './settings.ts'

const reviewSchema = z.looseObject({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.looseObject({ uid: z.string(), object: z.unknown() }),
})

export interface InjectionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    /** Base64 of a JSON patch. */
    readonly patch?: string
    readonly patchType?: 'JSONPatch'
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string }
  }
}

/**
 * Answers AdmissionReviews of new pods with the patch that gives them a sidecar. The API server asks for those whose
 * namespace or label wants it. Undefined for a body that is no such review.
 */
export const createInjectionReview =
  (settings: InjectionSettings) =>
  (body: unknown): InjectionAnswer | undefined => {
    const review = reviewSchema.safeParse(body)
    if (!review.success) return undefined
    const pod = podSchema.safeParse(review.data.request.object)
    if (!pod.success) return undefined
    return {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: review.data.request.uid, ...answer(pod.data, settings) },
    }
  }

function answer(pod: InjectablePod, settings: InjectionSettings): Omit<InjectionAnswer['response'], 'uid'> {
  const injection = injectPod(pod, settings)
  if (injection.kind === 'left') return { allowed: true }
  if (injection.kind === 'refused') {
    const message = `the sidecar cannot be injected: ${injection.problems.join('; ')}`
    return { allowed: false, status: { code: 422, reason: 'Invalid', message } }
  }
  const patch = createPatch(pod, injection.pod)
  return patch.length === 0
    ? { allowed: true }
    : { allowed: true, patchType: 'JSONPatch', patch: base64(JSON.stringify(patch)) }
}

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

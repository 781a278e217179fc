/**
 * mesh/injector: a pod becomes one with a sidecar, as the answer to an admission review, and the rules that lead the
 * pod's connections through it.
 * It is pure: equal pods and settings give equal answers. It knows no cluster: what is asked of it is all it sees.
 */
export { type Injection, injectPod } from './inject.ts'
export { valuesOfOperator } from './istio-operator.ts'
export type { InjectablePod } from './pod-schema.ts'
export { createInjectionReview } from './review.ts'
export { type InterceptionRules, proxyUser, renderInterceptionRules } from './rules.ts'
export { type InjectionSettings, injectionSettingsSchema } from './settings.ts'

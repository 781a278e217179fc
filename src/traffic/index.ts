/**
 * traffic: says what share of the requests each version gets, in the objects of a data plane (routers/, one file each),
 * and tells when its proxies have it. `translate.ts` is the pure part.
 * It must not know phases, metrics or why a weight is what it is.
 */
export {
  adopt,
  disown,
  foreignOwner,
  handOver,
  isControlled,
  isOwned,
  marksOf,
  ownerReferenceTo,
  placeBeside,
} from './ownership.ts'
export type { Router, Traffic, TrafficObservation } from './port.ts'
export { createRouters, type Provider, type RouterOptions, type Routers } from './registry.ts'
export { type ServiceNames, serviceNamesOf } from './service-names.ts'

/**
 * kube: talking to a Kubernetes API server: client, reflector, work queue, leader election, events.
 * It knows the API's rules and no domain: which objects matter is the caller's business.
 */
export * from './port.ts'

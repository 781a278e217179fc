import type { ServiceIdentity } from '../model/index.ts'

const CLUSTER_DOMAIN = 'svc.cluster.local'

export const serviceIdentity = (namespace: string, name: string): ServiceIdentity => ({
  namespace,
  name,
  host: `${name}.${namespace}.${CLUSTER_DOMAIN}`,
})

/** A name without dots is a Service of the namespace of the object that writes it, as in Istio. */
export const resolveHost = (host: string, namespace: string): string =>
  host.includes('.') || host.includes('*') ? host : serviceIdentity(namespace, host).host

/** `*` and `*.suffix` stand for many hosts. */
export function hostMatches(pattern: string, host: string): boolean {
  if (pattern === '*') return true
  if (pattern.startsWith('*')) return host.endsWith(pattern.slice(1)) && host.length >= pattern.length
  return pattern === host
}

/** The more exact of two patterns when one covers the other. */
export function narrowerHost(left: string, right: string): string | undefined {
  if (hostMatches(left, right)) return right
  return hostMatches(right, left) ? left : undefined
}

/** Every name under which Kubernetes' DNS knows a Service inside the given namespace. */
export function aliasesOf(service: ServiceIdentity, fromNamespace: string): readonly string[] {
  const { name, namespace, host } = service
  const qualified = [`${name}.${namespace}`, `${name}.${namespace}.svc`, host]
  return namespace === fromNamespace ? [name, ...qualified] : qualified
}

import {
  type AuthorizationPolicy,
  appAddressAnnotation,
  type Namespace,
  type PeerAuthentication,
  type Pod,
  type RequestAuthentication,
} from '../../api/index.ts'
import type { Finding, MutualTls, ProxySecurity } from '../model/index.ts'
import { readAuthorizationPolicies } from './authorization-policy.ts'
import { isIntercepted, isPastProxy } from './interception.ts'
import { readPeerAuthentications } from './peer-authentication.ts'
import { type FetchedKeys, readRequestAuthentications } from './request-authentication.ts'
import { isGateway, isMeshed, isProxyless, namespaceOf } from './workload.ts'

export interface SecurityObjects {
  readonly namespaces: readonly Namespace[]
  readonly peerAuthentications: readonly PeerAuthentication[]
  readonly authorizationPolicies: readonly AuthorizationPolicy[]
  readonly requestAuthentications: readonly RequestAuthentication[]
  /** By the address that they are fetched from. */
  readonly keysOf: (source: string) => FetchedKeys
}

/** What proxies ask of their callers. */
export interface Security {
  readonly mutualTlsOf: (pod: Pod, port: number) => MutualTls
  readonly takesMutualTls: (pod: Pod, port: number) => boolean
  /** Undefined when nothing is asked. */
  readonly of: (pod: Pod) => ProxySecurity | undefined
  readonly findings: readonly Finding[]
}

export function readSecurity(objects: SecurityObjects): Security {
  const namespaces = new Map(objects.namespaces.map((namespace) => [namespace.metadata.name, namespace]))
  const peers = readPeerAuthentications(objects.peerAuthentications)
  const policies = readAuthorizationPolicies(objects.authorizationPolicies)
  const requests = readRequestAuthentications(objects.requestAuthentications, objects.keysOf)
  const hasProxy = (pod: Pod): boolean =>
    isMeshed(pod, namespaces.get(namespaceOf(pod))) &&
    !isGateway(pod) &&
    !isProxyless(pod) &&
    (pod.metadata.annotations?.[appAddressAnnotation] !== undefined || isIntercepted(pod))
  return {
    mutualTlsOf: peers.mutualTlsOf,
    takesMutualTls: (pod, port) =>
      hasProxy(pod) && !isPastProxy(pod, port) && peers.mutualTlsOf(pod, port) !== 'disable',
    of(pod) {
      const [authorization, tokens] = [policies.policiesOf(pod), requests.rulesOf(pod)]
      return authorization.length + tokens.length === 0 ? undefined : { authorization, tokens }
    },
    findings: [...peers.findings, ...policies.findings, ...requests.findings],
  }
}

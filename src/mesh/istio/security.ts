import {
  type AuthorizationPolicy,
  appAddressAnnotation,
  type Namespace,
  type PeerAuthentication,
  type Pod,
  type RequestAuthentication,
} from '../../api/index.ts'
import { keepLast, remember } from '../../base/index.ts'
import type { Finding, MutualTls, ProxySecurity } from '../model/index.ts'
import { type AuthorizationPolicies, readAuthorizationPolicies } from './authorization-policy.ts'
import { isIntercepted, isPastProxy } from './interception.ts'
import { type PeerAuthentications, readPeerAuthentications } from './peer-authentication.ts'
import { asPublished } from './published-ports.ts'
import {
  type FetchedKeys,
  keySourcesOf,
  type RequestAuthentications,
  readRequestAuthentications,
} from './request-authentication.ts'
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

export function createSecurityReader(): (objects: SecurityObjects) => Security {
  const keepTransport = keepLast<Transport>()
  const keepPolicies = keepLast<AuthorizationPolicies>()
  const keepRequests = keepLast<RequestAuthentications>()
  const keepRules = keepLast<Security['of']>()
  return ({ namespaces, peerAuthentications, authorizationPolicies, requestAuthentications, keysOf }) => {
    const transport = keepTransport([namespaces, peerAuthentications], () =>
      readTransport(namespaces, readPeerAuthentications(peerAuthentications)),
    )
    const policies = keepPolicies([authorizationPolicies], () => readAuthorizationPolicies(authorizationPolicies))
    const keys = keySourcesOf(requestAuthentications).map(({ address }) => keysOf(address))
    const requests = keepRequests([requestAuthentications, ...keys], () =>
      readRequestAuthentications(requestAuthentications, keysOf),
    )
    return {
      ...transport,
      of: keepRules([policies, requests], () => rulesOf(policies, requests)),
      findings: [...transport.findings, ...policies.findings, ...requests.findings],
    }
  }
}

type Transport = Omit<Security, 'of'>

function readTransport(objects: readonly Namespace[], peers: PeerAuthentications): Transport {
  const namespaces = new Map(objects.map((namespace) => [namespace.metadata.name, namespace]))
  const hasProxy = (pod: Pod): boolean =>
    isMeshed(pod, namespaces.get(namespaceOf(pod))) &&
    !isGateway(pod) &&
    !isProxyless(pod) &&
    (pod.metadata.annotations?.[appAddressAnnotation] !== undefined || isIntercepted(pod))
  return {
    mutualTlsOf: peers.mutualTlsOf,
    takesMutualTls: (pod, port) =>
      hasProxy(pod) && !isPastProxy(pod, port) && peers.mutualTlsOf(pod, port) !== 'disable',
    findings: peers.findings,
  }
}

/** A pod that is as before gets the very same rules. */
const rulesOf = (policies: AuthorizationPolicies, requests: RequestAuthentications): Security['of'] =>
  remember((pod: Pod) => {
    const authorization = policies.policiesOf(pod).map((policy) => asPublished(policy, pod.status?.podIP))
    const tokens = requests.rulesOf(pod)
    return authorization.length + tokens.length === 0 ? undefined : { authorization, tokens }
  })

import {
  authorizationPolicyKind,
  destinationRuleKind,
  endpointSliceKind,
  gatewayKind,
  type KubernetesObject,
  namespaceKind,
  peerAuthenticationKind,
  podKind,
  type ResourceKind,
  requestAuthenticationKind,
  serviceEntryKind,
  serviceKind,
  sidecarKind,
  telemetryKind,
  virtualServiceKind,
  workloadEntryKind,
} from '../../api/index.ts'
import type { Reflector } from '../../kube/index.ts'
import type { ClusterObjects } from '../istio/index.ts'
import { routingWatch } from './routing-watch.ts'

export type ReflectorOf = <T extends KubernetesObject>(kind: ResourceKind<T>) => Reflector<T>

/** The local copies of everything that the mesh reads. */
export function createWatches(reflectorOf: ReflectorOf) {
  const watches = {
    services: reflectorOf(serviceKind),
    endpointSlices: reflectorOf(endpointSliceKind),
    pods: reflectorOf(podKind),
    namespaces: reflectorOf(namespaceKind),
    virtualServices: reflectorOf(virtualServiceKind),
    destinationRules: reflectorOf(destinationRuleKind),
    gateways: reflectorOf(gatewayKind),
    sidecars: reflectorOf(sidecarKind),
    serviceEntries: reflectorOf(serviceEntryKind),
    workloadEntries: reflectorOf(workloadEntryKind),
    peerAuthentications: reflectorOf(peerAuthenticationKind),
    authorizationPolicies: reflectorOf(authorizationPolicyKind),
    requestAuthentications: reflectorOf(requestAuthenticationKind),
    telemetries: reflectorOf(telemetryKind),
  }
  const all = Object.values(watches)
  return {
    ...watches,
    /** Those whose objects get a condition, by their kind. */
    routing: new Map([
      routingWatch(virtualServiceKind, watches.virtualServices),
      routingWatch(destinationRuleKind, watches.destinationRules),
      routingWatch(gatewayKind, watches.gateways),
      routingWatch(sidecarKind, watches.sidecars),
      routingWatch(serviceEntryKind, watches.serviceEntries),
      routingWatch(workloadEntryKind, watches.workloadEntries),
      routingWatch(peerAuthenticationKind, watches.peerAuthentications),
      routingWatch(authorizationPolicyKind, watches.authorizationPolicies),
      routingWatch(requestAuthenticationKind, watches.requestAuthentications),
      routingWatch(telemetryKind, watches.telemetries),
    ]),
    synced: Promise.all(all.map((watch) => watch.synced)),
    starts: all.map((watch) => (signal: AbortSignal) => watch.start(signal)),
    objects: (): Omit<ClusterObjects, 'keysOf' | 'credentialOf'> => ({
      services: watches.services.list(),
      endpointSlices: watches.endpointSlices.list(),
      pods: watches.pods.list(),
      namespaces: watches.namespaces.list(),
      virtualServices: watches.virtualServices.list(),
      destinationRules: watches.destinationRules.list(),
      gateways: watches.gateways.list(),
      sidecars: watches.sidecars.list(),
      serviceEntries: watches.serviceEntries.list(),
      workloadEntries: watches.workloadEntries.list(),
      peerAuthentications: watches.peerAuthentications.list(),
      authorizationPolicies: watches.authorizationPolicies.list(),
      requestAuthentications: watches.requestAuthentications.list(),
      telemetries: watches.telemetries.list(),
    }),
  }
}

export type Watches = ReturnType<typeof createWatches>

/** Istio's words for what a configuration is built for. */
export const pushReasons = ['config', 'endpoint', 'namespace', 'proxy', 'secret', 'service'] as const
export type PushReason = (typeof pushReasons)[number]

/**
 * Tells of every change that can move configuration. A route is urgent: its writer waits for it. Writing a status
 * moves nothing.
 */
export function onConfigurationChange(
  watches: Watches,
  changed: (isUrgent: boolean, reason: PushReason) => void,
): void {
  const listen = <T extends KubernetesObject>(watch: Reflector<T>, reason: PushReason, isUrgent = false) =>
    watch.onChange((current, previous) => {
      const generation = current?.metadata.generation
      const sameSpec = generation !== undefined && generation === previous?.metadata.generation
      const sameObject = current?.metadata.uid === previous?.metadata.uid
      if (!isUrgent || !sameSpec || !sameObject) changed(isUrgent, reason)
    })
  listen(watches.services, 'service')
  listen(watches.endpointSlices, 'endpoint')
  listen(watches.pods, 'proxy')
  listen(watches.namespaces, 'namespace')
  listen(watches.virtualServices, 'config', true)
  listen(watches.destinationRules, 'config')
  listen(watches.gateways, 'config')
  listen(watches.sidecars, 'config')
  listen(watches.serviceEntries, 'config')
  listen(watches.workloadEntries, 'config')
  listen(watches.peerAuthentications, 'config')
  listen(watches.authorizationPolicies, 'config')
  listen(watches.requestAuthentications, 'config')
  listen(watches.telemetries, 'config')
}

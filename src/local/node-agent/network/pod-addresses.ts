import { z } from 'zod'
import {
  appAddressAnnotation,
  injectedAnnotation,
  isShared,
  type Pod,
  type Service,
  serviceAddressesAnnotation,
} from '../../../api/index.ts'
import { parseJson } from '../../../base/index.ts'
import { isAddressable, type ServiceAddress } from '../spec/service-variables.ts'
import type { SidecarMode } from '../spec/sidecar-membership.ts'
import { createAddressPool } from './address-pool.ts'

/** The addresses of one pod, held until they are released. */
export interface PodAddresses {
  readonly podIP: string
  /** Where the program listens: the pod's own address when there is no sidecar in front of it. */
  readonly host: string
  /** By `namespace/name`: where this pod's sidecar listens for each Service; empty without one. */
  readonly services: ReadonlyMap<string, string>
  /** Gives new Services an address and takes back those of deleted ones. True when something changed. */
  follow(services: readonly Service[]): boolean
  release(): void
}

export interface PodAddressBook {
  /** Keeps what a pod was given by an earlier run, if it is of this block and free. */
  assign(pod: Pod, mode: SidecarMode): PodAddresses
  /** Keeps others from being given what a pod already has. */
  remember(pod: Pod): void
}

const serviceAddressesSchema = z.record(z.string(), z.string())

/** Addresses of the block 127.N.0.0/16: pods 1-63, programs 64-127, each pod's own for Services 160-255. */
export function createPodAddressBook(prefix: string): PodAddressBook {
  const pods = createAddressPool(prefix, 1, 63)
  const services = createAddressPool(prefix, 160, 255)
  const remembered = new Map<string, string>()
  return {
    remember(pod) {
      const podIP = pod.status?.podIP
      if (podIP !== undefined && pods.reserve(podIP)) remembered.set(pod.metadata.uid ?? '', podIP)
      for (const address of Object.values(parseServiceAddresses(pod))) services.reserve(address)
    },
    assign(pod, mode) {
      const uid = pod.metadata.uid ?? ''
      const podIP = remembered.get(uid) ?? pods.take()
      remembered.delete(uid)
      const own = ownServices(parseServiceAddresses(pod), prefix)
      return {
        podIP,
        host: mode === 'sidecar' && isShared(podIP) ? programAddress(podIP) : podIP,
        services: own,
        follow: (all) =>
          mode === 'sidecar' &&
          isShared(podIP) &&
          follow(
            own,
            all.filter((each) => isReachableFrom(pod, each)),
            services,
          ),
        release() {
          pods.release(podIP)
          for (const address of own.values()) services.release(address)
        },
      }
    },
  }
}

/** The annotations that tell the mesh of a pod's addresses. */
export function addressAnnotations(addresses: PodAddresses, mode: SidecarMode): Readonly<Record<string, string>> {
  if (mode !== 'sidecar') return {}
  // Its connections are led through its sidecar, as those of a pod in Kubernetes.
  if (!isShared(addresses.podIP)) return { [injectedAnnotation]: '{}' }
  return {
    [appAddressAnnotation]: addresses.host,
    [serviceAddressesAnnotation]: JSON.stringify(Object.fromEntries([...addresses.services].sort())),
  }
}

/** How a pod reaches the Services of its namespace: by its own address for each, or by the Service's. */
export function serviceAddressesFrom(
  pod: Pod,
  addresses: PodAddresses,
  services: readonly Service[],
): readonly ServiceAddress[] {
  return services
    .filter((service) => isReachableFrom(pod, service))
    .flatMap((service) => {
      const address = addresses.services.get(keyOf(service)) ?? service.spec.clusterIP
      return address === undefined || address === '' ? [] : [{ service, address }]
    })
}

const keyOf = (service: Service): string => `${service.metadata.namespace}/${service.metadata.name}`

/** The standard variables name only Services of the pod's own namespace; others are reached through HTTP_PROXY. */
const isReachableFrom = (pod: Pod, service: Service): boolean =>
  service.metadata.namespace === pod.metadata.namespace && isAddressable(service)

/** The same place in the programs' part of the block, so that one can be told from the other. */
function programAddress(podIP: string): string {
  const [first, second, third, fourth] = podIP.split('.')
  return `${first}.${second}.${Number(third) + 64}.${fourth}`
}

function parseServiceAddresses(pod: Pod): Readonly<Record<string, string>> {
  const text = pod.metadata.annotations?.[serviceAddressesAnnotation] ?? '{}'
  return serviceAddressesSchema.catch({}).parse(parseJson(text))
}

const ownServices = (addresses: Readonly<Record<string, string>>, prefix: string): Map<string, string> =>
  new Map(Object.entries(addresses).filter(([, address]) => address.startsWith(`${prefix}.`)))

function follow(
  own: Map<string, string>,
  services: readonly Service[],
  pool: { take(): string; release(address: string): void },
): boolean {
  const wanted = new Set(services.map(keyOf))
  const gone = [...own].filter(([key]) => !wanted.has(key))
  const fresh = [...wanted].filter((key) => !own.has(key))
  for (const [key, address] of gone) {
    own.delete(key)
    pool.release(address)
  }
  for (const key of fresh) own.set(key, pool.take())
  return gone.length + fresh.length > 0
}

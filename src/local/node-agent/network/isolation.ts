import type { Pod, Service } from '../../../api/index.ts'
import type { Inside } from '../probe/checks.ts'
import { isAddressable } from '../spec/service-variables.ts'
import type { SidecarMode } from '../spec/sidecar-membership.ts'
import type { PodNamespace, PodNetwork } from './pod-network.ts'

export interface IsolatedNetwork extends PodNetwork {
  /** For the pods whose connections are led through their sidecars, as `iptables-restore --noflush` reads them. */
  readonly rules: string
}

/** The network of one pod, from its start to its end. */
export interface PodIsolation {
  /** Asks for the Services when it is there: others may have come meanwhile. */
  enter(address: string, services: () => readonly Service[]): Promise<void>
  servicesChanged(services: readonly Service[]): Promise<void>
  readonly inside: Inside
  leave(): Promise<void>
}

/** Without a network of its own a pod's programs are simply run. */
export function createPodIsolation(network: IsolatedNetwork | undefined, pod: Pod, mode: SidecarMode): PodIsolation {
  let namespace: PodNamespace | undefined
  const writeHosts = async (services: readonly Service[]) => namespace?.writeHosts(renderHosts(pod, services))
  return {
    async enter(address, services) {
      namespace = await network?.attach(address)
      await writeHosts(services())
      if (mode === 'sidecar' && network !== undefined) await namespace?.restoreRules(network.rules)
    },
    servicesChanged: writeHosts,
    inside: (argv, user) => namespace?.command(argv, user) ?? argv,
    async leave() {
      await namespace?.remove()
      namespace = undefined
    },
  }
}

/** What cluster DNS would answer. */
function renderHosts({ metadata }: Pod, services: readonly Service[]): string {
  const lines = services.filter(isAddressable).map(({ metadata: { name, namespace }, spec }) => {
    const qualified = [`${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`]
    const names = namespace === metadata.namespace ? [name, ...qualified] : qualified
    return `${spec.clusterIP} ${names.join(' ')}`
  })
  return ['127.0.0.1 localhost', ...lines.sort(), ''].join('\n')
}

import type { Pod } from '../../api/index.ts'
import { spiffeId } from '../model/index.ts'
import { labelsContain, namespaceOf } from './workload.ts'

/** The pods of the cluster as Services find them. */
export interface PodDirectory {
  find(namespace: string, name: string): Pod | undefined
  /** Whether a port of the pod itself takes the mesh's TLS. */
  takesMutualTls(pod: Pod, port: number): boolean
  /** SPIFFE URIs that the selected pods may show, ready or not, sorted: a pod that becomes ready changes no cluster. */
  identitiesOf(namespace: string, selector: Readonly<Record<string, string>>): readonly string[]
}

export function createPodDirectory(pods: readonly Pod[], takesMutualTls: PodDirectory['takesMutualTls']): PodDirectory {
  const byName = new Map(pods.map((pod) => [`${namespaceOf(pod)}/${pod.metadata.name}`, pod]))
  const byLabel = indexByLabel(pods)
  return {
    find: (namespace, name) => byName.get(`${namespace}/${name}`),
    takesMutualTls,
    identitiesOf(namespace, selector) {
      const [first] = Object.entries(selector)
      if (first === undefined) return []
      const candidates = byLabel.get(labelKey(namespace, first)) ?? []
      const selected = candidates.filter(({ metadata }) => labelsContain(metadata.labels, selector))
      const accounts = new Set(selected.map(({ spec }) => spec.serviceAccountName ?? 'default'))
      return [...accounts].sort().map((serviceAccount) => spiffeId({ namespace, serviceAccount }))
    },
  }
}

const labelKey = (namespace: string, [name, value]: readonly [string, string]): string =>
  `${namespace}/${name}=${value}`

function indexByLabel(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const index = new Map<string, Pod[]>()
  for (const pod of pods) {
    for (const label of Object.entries(pod.metadata.labels ?? {})) {
      const key = labelKey(namespaceOf(pod), label)
      const known = index.get(key)
      if (known === undefined) index.set(key, [pod])
      else known.push(pod)
    }
  }
  return index
}

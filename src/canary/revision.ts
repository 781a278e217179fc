import type { PodTemplate, Service } from '../api/index.ts'
import { hashValue, remember } from '../base/index.ts'

/** Changes when the way of hashing does, so that an upgrade can tell the two apart. */
const HASH_VERSION = 'v1'

/**
 * The change key of a pod template and of what it reads, a hash for each ConfigMap and Secret that is tracked; replicas,
 * strategy and metadata of the workload do not count. Who may not read Secrets knows its first part all the same.
 */
export function revisionOf(template: PodTemplate, configs: Readonly<Record<string, string>> = {}): string {
  const revision = revisionOfTemplate(template)
  return Object.keys(configs).length === 0 ? revision : `${revision}-${hashValue(configs)}`
}

/** Each pass of a release asks for that of the same template. */
const revisionOfTemplate = remember(
  (template: PodTemplate): string => `${HASH_VERSION}-${hashValue(withoutNulls(asWritten(template)))}`,
)

/** The change key of a Service: where its requests go. How it is exposed (type, addresses, node ports) does not count. */
export const revisionOfService = (service: Service): string =>
  `${HASH_VERSION}-${hashValue(withoutNulls(releasedSpec(service)))}`

/** What two versions of a Service may differ in. */
export function releasedSpec({ spec }: Service): Service['spec'] {
  const { type, clusterIP: _1, clusterIPs: _2, selector, externalName, ports = [], ...rest } = spec
  const {
    publishNotReadyAddresses,
    sessionAffinity,
    sessionAffinityConfig,
    internalTrafficPolicy,
    trafficDistribution,
  } = rest
  const fields = {
    type: type === 'ExternalName' ? type : 'ClusterIP',
    selector,
    externalName,
    ports: ports.map(({ nodePort: _, ...port }) => port),
    publishNotReadyAddresses,
    sessionAffinity,
    sessionAffinityConfig,
    internalTrafficPolicy,
    trafficDistribution,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Whether a revision is the wanted one, or the wanted template with any configuration. */
export const isRevisionOf = (wanted: string, revision: string | undefined): boolean =>
  revision === wanted || revision?.startsWith(`${wanted}-`) === true

/** No node has this label: a DaemonSet whose pods ask for it has none. */
export const scaleToZeroLabel = 'sluice.dev/scale-to-zero'

/** The same, and Flagger's. */
export const scaleToZeroLabels: readonly string[] = [scaleToZeroLabel, 'flagger.app/scale-to-zero']

/** The template that the user wrote, wherever its pods may run just now. */
export function asWritten(template: PodTemplate): PodTemplate {
  const { nodeSelector = {}, ...spec } = template.spec
  const labels = Object.entries(nodeSelector)
  const others = labels.filter(([label]) => !scaleToZeroLabels.includes(label))
  if (others.length === labels.length) return template
  return {
    ...template,
    spec: { ...spec, ...(others.length === 0 ? {} : { nodeSelector: Object.fromEntries(others) }) },
  }
}

/** Some API servers send `creationTimestamp: null` in templates and later versions do not: no reason for a release. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (value === null || typeof value !== 'object') return value
  const fields = Object.entries(value).filter(([, field]) => field !== null)
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]))
}

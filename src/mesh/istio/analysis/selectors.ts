import { injectTemplatesAnnotation } from '../../../api/index.ts'
import { rootNamespace } from '../../model/index.ts'
import { fieldsOf } from '../fields.ts'
import { labelsContain } from '../workload.ts'
import type { Catalog } from './catalog.ts'
import { type Labels, selectedBy, selectTogether, wordsOf } from './cluster.ts'
import { error, type Found, type Given, nameOf, warning, withEarlier } from './found.ts'

/** What selects pods, where pods were given. */
export const checkSelectors = (known: Catalog): readonly Found[] => [
  ...[
    ...known.authorizations,
    ...known.peerAuthentications,
    ...known.requestAuthentications,
    ...known.telemetries,
  ].flatMap((policy) =>
    checkSelector(known, policy, {
      path: ['spec', 'selector', 'matchLabels'],
      labels: policy.spec.selector?.matchLabels,
    }),
  ),
  ...known.sidecars.flatMap((sidecar) =>
    checkSelector(known, sidecar, {
      path: ['spec', 'workloadSelector', 'labels'],
      labels: sidecar.spec.workloadSelector?.labels,
    }),
  ),
  ...known.rules.flatMap((rule) =>
    checkSelector(known, rule, {
      path: ['spec', 'workloadSelector', 'matchLabels'],
      labels: rule.spec.workloadSelector?.matchLabels,
    }),
  ),
  ...known.cluster.services.flatMap((service) =>
    checkSelector(known, service, { path: ['spec', 'selector'], labels: service.selector }),
  ),
  ...checkGatewaySelectors(known),
  ...checkEntrySelectors(known),
  ...checkSidecars(known),
  ...checkWidePolicies(known),
]

interface Selector {
  readonly path: readonly string[]
  readonly labels: Labels | undefined
}

function checkSelector({ cluster }: Catalog, object: Given, { path, labels = {} }: Selector): readonly Found[] {
  const { namespace } = object.key
  const isNear = ({ key }: Given) => namespace === rootNamespace || key.namespace === namespace
  const near = cluster.workloads.filter(isNear)
  if (Object.keys(labels).length === 0 || near.length === 0) return []
  return selectedBy(cluster, namespace, labels).length > 0 ? [] : [selectsNothing(object, path, labels, near)]
}

function selectsNothing(
  object: Given,
  path: readonly string[],
  labels: Labels,
  near: readonly (Given & { readonly labels: Labels })[],
) {
  const closest = near.toSorted((left, right) => shared(right.labels, labels) - shared(left.labels, labels))[0]
  const instead =
    closest === undefined
      ? ''
      : `; the nearest, ${closest.key.kind} ${nameOf(closest)}, has ${wordsOf(closest.labels) || 'none'}`
  const message = `selects none of the pods that were given (${wordsOf(labels)})${instead}`
  return warning('SelectsNothing', object, path, message)
}

const shared = (labels: Labels, wanted: Labels): number =>
  Object.entries(wanted).filter(([key, value]) => labels[key] === value).length * 2 +
  Object.keys(wanted).filter((key) => key in labels).length

/** Gateways select in every namespace. */
const checkGatewaySelectors = ({ gateways, cluster }: Catalog): readonly Found[] => {
  const possible = cluster.workloads.filter(
    ({ annotations, labels }) => annotations[injectTemplatesAnnotation] === 'gateway' || 'istio' in labels,
  )
  return gateways.flatMap((gateway) => {
    const { selector } = gateway.spec
    if (possible.length === 0 || possible.some(({ labels }) => labelsContain(labels, selector))) return []
    return [selectsNothing(gateway, ['spec', 'selector'], selector, possible)]
  })
}

const checkEntrySelectors = ({ entries, cluster, workloadEntries }: Catalog): readonly Found[] =>
  entries.flatMap((entry) => {
    const { workloadSelector, resolution, endpoints } = entry.spec
    if (workloadSelector === undefined) {
      if (resolution !== 'STATIC' || endpoints.length > 0) return []
      const message =
        'resolution STATIC has no endpoint, so that every request fails; write endpoints or a workloadSelector'
      return [warning('SelectsNothing', entry, ['spec', 'resolution'], message)]
    }
    const isNear = ({ key }: Given) => key.namespace === entry.key.namespace
    const near = [
      ...cluster.workloads,
      ...workloadEntries.map(({ labels, ...given }) => ({ ...given, labels: textOf(labels) })),
    ].filter(isNear)
    if (near.length === 0 || near.some(({ labels }) => labelsContain(labels, workloadSelector.labels))) return []
    return [selectsNothing(entry, ['spec', 'workloadSelector', 'labels'], workloadSelector.labels, near)]
  })

const textOf = (labels: unknown): Labels =>
  Object.fromEntries(Object.entries(fieldsOf(labels)).map(([key, value]) => [key, String(value)]))

/** One Sidecar counts for a workload. */
function checkSidecars({ sidecars, cluster }: Catalog): readonly Found[] {
  const labelsOf = ({ spec }: (typeof sidecars)[number]) => spec.workloadSelector?.labels
  return withEarlier(sidecars, (earlier, later) => {
    if (earlier.key.namespace !== later.key.namespace) return false
    const [left, right] = [labelsOf(earlier), labelsOf(later)]
    if (left === undefined || right === undefined) return left === right
    return selectTogether(cluster, later.key.namespace, left, right)
  }).map(({ earlier, later }) => {
    if (labelsOf(later) === undefined) {
      const message = `${earlier.key.name} is a Sidecar for all workloads of the namespace already; give one a workloadSelector`
      return error('SidecarConflict', later, ['spec'], message)
    }
    const message = `the Sidecar ${earlier.key.name} selects the same workloads, and only the older one counts; merge the two`
    return error('SidecarConflict', later, ['spec', 'workloadSelector', 'labels'], message)
  })
}

/** Of several for a whole namespace the oldest counts. */
const checkWidePolicies = ({ peerAuthentications }: Catalog): readonly Found[] =>
  withEarlier(
    peerAuthentications.filter(({ spec }) => Object.keys(spec.selector?.matchLabels ?? {}).length === 0),
    (earlier, later) => earlier.key.namespace === later.key.namespace,
  ).map(({ earlier, later }) => {
    const message = `the PeerAuthentication ${nameOf(earlier)} is for the whole namespace, too, and only the older one counts; merge the two or give one a selector`
    return warning('PolicyConflict', later, ['spec'], message)
  })

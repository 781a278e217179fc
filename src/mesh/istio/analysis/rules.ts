import { isSameJson } from '../../../base/index.ts'
import { rootNamespace } from '../../model/index.ts'
import { hasLabels } from '../supported-security.ts'
import { labelsContain } from '../workload.ts'
import type { Catalog, GivenRule } from './catalog.ts'
import { selectedBy, wordsOf } from './cluster.ts'
import { error, type Found, nameOf, warning, withEarlier } from './found.ts'

/** DestinationRules against each other, the pods and the policies of TLS. */
export const checkRules = (known: Catalog): readonly Found[] => [
  ...known.rules.flatMap((rule) => [...checkSubsets(rule, known), ...checkTls(rule, known)]),
  ...checkTwice(known.rules),
]

function checkSubsets(rule: GivenRule, { hosts, cluster }: Catalog): readonly Found[] {
  const service = hosts.get(rule.host)?.service
  const names = rule.spec.subsets.map(({ name }) => name)
  const selected =
    service === undefined || Object.keys(service.selector).length === 0
      ? []
      : selectedBy(cluster, service.key.namespace, service.selector)
  return rule.spec.subsets.flatMap(({ name, labels }, index) => {
    const path = ['spec', 'subsets', index]
    const first = names.indexOf(name)
    if (first < index) {
      const message = `spec.subsets[${first}] has the name "${name}", too, and counts; rename or delete this one`
      return [warning('DuplicateName', rule, [...path, 'name'], message)]
    }
    if (selected.length === 0 || selected.some((each) => labelsContain(each.labels, labels))) return []
    const all = selected.map((each) => `${each.key.kind} ${nameOf(each)}`).join(', ')
    const message = `none of the pods behind ${rule.host} (${all}) has ${wordsOf(labels)}, so that requests for this subset fail; label the pods of one version so`
    return [warning('SelectsNothing', rule, [...path, 'labels'], message)]
  })
}

const checkTwice = (rules: readonly GivenRule[]): readonly Found[] =>
  withEarlier(
    rules,
    (earlier, later) =>
      earlier.host === later.host &&
      earlier.key.namespace === later.key.namespace &&
      isSameJson(earlier.spec.workloadSelector, later.spec.workloadSelector) &&
      earlier.spec.trafficPolicy !== undefined &&
      later.spec.trafficPolicy !== undefined,
  ).map(({ later, earlier }) => {
    const message = `the DestinationRule ${nameOf(earlier)} has a trafficPolicy for ${later.host}, too; only that of the older one counts: merge the two`
    return warning('PolicyConflict', later, ['spec', 'trafficPolicy'], message)
  })

/** Plain text, or TLS of other kinds, to pods that take the mesh's TLS alone. */
function checkTls(rule: GivenRule, { hosts, peerAuthentications }: Catalog): readonly Found[] {
  const service = hosts.get(rule.host)?.service
  const mode = rule.spec.trafficPolicy?.tls?.mode
  if (service === undefined || mode === undefined || mode === 'ISTIO_MUTUAL') return []
  const wide = (namespace: string) =>
    peerAuthentications.find(({ key, spec }) => key.namespace === namespace && !hasLabels(spec.selector))
  const own = [wide(service.key.namespace), wide(rootNamespace)].find(
    (policy) => (policy?.spec.mtls?.mode ?? 'UNSET') !== 'UNSET',
  )
  if (own?.spec.mtls?.mode !== 'STRICT') return []
  const message = `the PeerAuthentication ${nameOf(own)} lets ${rule.host} take the mesh's TLS only (STRICT), so that requests by mode ${mode} fail; write ISTIO_MUTUAL or leave tls out`
  return [error('TlsConflict', rule, ['spec', 'trafficPolicy', 'tls', 'mode'], message)]
}

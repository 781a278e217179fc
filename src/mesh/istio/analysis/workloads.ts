import { injectedAnnotation, injectLabel, injectNamespaceLabel, injectTemplatesAnnotation } from '../../../api/index.ts'
import { fieldAt, fieldsOf } from '../fields.ts'
import { healthCheckAnnotation } from '../health-check.ts'
import { didYouMean, nearest } from '../nearest.ts'
import type { Catalog } from './catalog.ts'
import { error, type Found, type Given, info, warning, withEarlier } from './found.ts'

/** The objects themselves, their annotations, and whether their pods get a proxy. */
export const checkWorkloads = (known: Catalog): readonly Found[] => [
  ...checkTwice(known),
  ...checkInjection(known),
  ...known.cluster.workloads.flatMap((workload) =>
    workload.users.flatMap(({ path, user }) => {
      if (user !== 1337) return []
      const message =
        'is the user of the proxy, whose connections are not intercepted: the program bypasses the mesh; take another'
      return [warning('ProxyUser', workload, path, message)]
    }),
  ),
  ...known.all.flatMap(({ object, ...given }) => checkAnnotations(given, object)),
]

/** The later one replaces the earlier one when both are applied. */
const checkTwice = ({ all }: Catalog): readonly Found[] => {
  const named = all.filter(({ key }) => key.kind !== '' && key.name !== '')
  const groupOf = ({ object }: (typeof all)[number]) => String(fieldsOf(object).apiVersion ?? '').split('/')[0]
  return withEarlier(
    named,
    (earlier, later) =>
      earlier.key.kind === later.key.kind &&
      earlier.key.name === later.key.name &&
      earlier.key.namespace === later.key.namespace &&
      groupOf(earlier) === groupOf(later),
  ).map(({ later }) => {
    const message = `is given twice: applied together, the last one replaces the others; rename or delete one`
    return error('DuplicateObject', later, ['metadata', 'name'], message)
  })
}

function checkInjection({ cluster }: Catalog): readonly Found[] {
  return cluster.namespaces.flatMap((namespace) => {
    const pods = cluster.workloads.filter(({ key }) => key.namespace === namespace.key.name)
    const isSaid = injectNamespaceLabel in namespace.labels
    const without = pods.filter(({ labels }) => !(injectLabel in labels))
    if (isSaid || without.length === 0) return []
    const message = `its pods get no sidecar, so that routes and policies do not count for them; label it ${injectNamespaceLabel}=enabled (or =disabled, if that is meant)`
    return [info('NotInjected', namespace, ['metadata', 'labels'], message)]
  })
}

const prefixes = [
  'sidecar.istio.io/',
  'traffic.sidecar.istio.io/',
  'proxy.istio.io/',
  'inject.istio.io/',
  'mesh.sluice.dev/',
]

const ofPods = [
  ...['proxyImage', 'proxyCPU', 'proxyMemory', 'proxyCPULimit', 'proxyMemoryLimit'].map(
    (name) => `sidecar.istio.io/${name}`,
  ),
  ...['rewriteAppHTTPProbers', 'interceptionMode', 'inject'].map((name) => `sidecar.istio.io/${name}`),
  ...['excludeInboundPorts', 'excludeOutboundPorts', 'excludeOutboundIPRanges'].map(
    (name) => `traffic.sidecar.istio.io/${name}`,
  ),
  ...['includeOutboundIPRanges', 'includeInboundPorts'].map((name) => `traffic.sidecar.istio.io/${name}`),
  ...['proxy.istio.io/config', injectTemplatesAnnotation, injectedAnnotation],
]
const ofServices = [healthCheckAnnotation]

/** Of pods are those of their templates. */
function checkAnnotations(given: Given, object: unknown): readonly Found[] {
  const own = annotationsAt(object, ['metadata', 'annotations'])
  const path = ['spec', 'template', 'metadata', 'annotations']
  const ofTemplate = annotationsAt(object, path)
  return [
    ...own.flatMap((name) => checkAnnotation(given, name, ['metadata', 'annotations', name])),
    ...ofTemplate
      .flatMap((name) => checkAnnotation({ ...given, key: { ...given.key, kind: 'Pod' } }, name, [...path, name]))
      .map((found) => ({ ...found, object: given.key })),
  ]
}

const annotationsAt = (object: unknown, path: readonly string[]): readonly string[] =>
  Object.keys(fieldsOf(fieldAt(object, path))).filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))

function checkAnnotation(given: Given, name: string, path: readonly string[]): readonly Found[] {
  const { kind } = given.key
  if (ofPods.includes(name)) {
    if (kind === 'Pod') return []
    const message = `says nothing on a ${kind}: write it on the pods (spec.template.metadata.annotations)`
    return [warning('MisplacedAnnotation', given, path, message)]
  }
  if (ofServices.includes(name)) {
    return kind === 'Service'
      ? []
      : [warning('MisplacedAnnotation', given, path, `says nothing on a ${kind}: write it on the Service`)]
  }
  if (name.startsWith('mesh.sluice.dev/') && kind === 'Pod') return []
  const near = nearest(name, [...ofPods, ...ofServices])
  const message = `the mesh reads no such annotation${didYouMean(near) || '; take it out'}`
  return [warning('UnknownAnnotation', given, path, message)]
}

import { z } from 'zod'
import { injectedAnnotation, injectLabel, injectTemplatesAnnotation } from '../../api/index.ts'
import { parseJson } from '../../base/index.ts'
import { workloadOf } from '../istio/index.ts'
import { type PodWishes, readWishes } from './annotations.ts'
import {
  fileAnnotations,
  fileContents,
  initContainer,
  initName,
  proxyContainer,
  proxyName,
  proxyVolumes,
  volumeNames,
} from './containers.ts'
import { drainAnnotation, drainSecondsOf, graceSecondsOf, waitBeforeStop, withoutWait } from './draining.ts'
import type { InjectablePod } from './pod-schema.ts'
import { type OriginalProbes, restoreProbes, rewriteProbes } from './probes.ts'
import { proxyUser, renderInterceptionRules } from './rules.ts'
import type { InjectionSettings } from './settings.ts'

export type Injection =
  | { readonly kind: 'injected'; readonly pod: InjectablePod }
  /** The pod stays as it is. */
  | { readonly kind: 'left'; readonly reason: string }
  /** What it says of its sidecar cannot be done. */
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

const probesAnnotation = 'mesh.sluice.dev/original-probes'
const modeLabel = 'security.istio.io/tlsMode'
const canonicalLabels = {
  name: 'service.istio.io/canonical-name',
  revision: 'service.istio.io/canonical-revision',
}

/** Gives the pod its sidecar. What was injected before is injected anew: a second time changes nothing. */
export function injectPod(given: InjectablePod, settings: InjectionSettings): Injection {
  const pod = withoutInjection(given)
  const reason = reasonToLeave(pod)
  if (reason !== undefined) return { kind: 'left', reason }
  const wishes = readWishes(pod.metadata.annotations ?? {}, settings)
  const problems = [...(wishes.ok ? tooLongDrain(pod, wishes.value) : wishes.error), ...impossibilities(pod)]
  if (!wishes.ok || problems.length > 0) return { kind: 'refused', problems }
  return { kind: 'injected', pod: withSidecar(pod, wishes.value, settings) }
}

function reasonToLeave({ metadata, spec }: InjectablePod): string | undefined {
  const own = metadata.labels?.[injectLabel] ?? metadata.annotations?.[injectLabel]
  if (own === 'false') return `${injectLabel} is "false"`
  if (templatesOf(metadata).includes('grpc-agent')) return 'its gRPC library is its proxy'
  if (spec.hostNetwork === true) return 'it shares the network of its node'
  return undefined
}

const templatesOf = ({ annotations }: InjectablePod['metadata']): readonly string[] =>
  (annotations?.[injectTemplatesAnnotation] ?? 'sidecar').split(',').map((each) => each.trim())

function tooLongDrain(pod: InjectablePod, { drainSeconds = 0 }: PodWishes): readonly string[] {
  const grace = graceSecondsOf(pod)
  if (drainSeconds === 0 || drainSeconds < grace) return []
  const field = 'proxy.istio.io/config: terminationDrainDuration'
  return [`${field}: must be less than spec.terminationGracePeriodSeconds, which is ${grace}`]
}

function impossibilities({ metadata, spec }: InjectablePod): readonly string[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  const clash = containers.find(({ name }) => name === proxyName || name === initName)
  const runsAs = [spec, ...containers].some(
    ({ securityContext }) => securityContext?.runAsUser === proxyUser || securityContext?.runAsGroup === proxyUser,
  )
  const template = templatesOf(metadata).find((each) => each !== 'sidecar')
  return [
    ...(template === undefined ? [] : [`${injectTemplatesAnnotation}: this mesh injects no ${template}`]),
    ...(clash === undefined ? [] : [`spec: a container is named ${clash.name}, as the mesh's own is`]),
    ...(runsAs ? [`spec: user and group ${proxyUser} are the proxy's: what others send as it would pass it by`] : []),
  ]
}

function withSidecar(pod: InjectablePod, wishes: PodWishes, settings: InjectionSettings): InjectablePod {
  const { metadata, spec } = pod
  const rewrite = (containers: InjectablePod['spec']['containers']) =>
    containers.map((container) =>
      wishes.rewriteProbes ? rewriteProbes(container) : { container, probes: [], originals: {} },
    )
  const [programs, inits] = [rewrite(spec.containers), rewrite(spec.initContainers ?? [])]
  const rewritten = [...inits, ...programs]
  const identity = identityOf(pod)
  const proxy = proxyContainer(wishes, settings, {
    name: identity.canonicalService,
    probes: rewritten.flatMap(({ probes }) => probes),
  })
  const waiting = waitBeforeStop(
    programs.map(({ container }) => container),
    drainSecondsOf(pod, wishes.drainSeconds),
  )
  const volumes = proxyVolumes()
  const originals = Object.assign({}, ...rewritten.map((each) => each.originals))
  return {
    ...pod,
    metadata: {
      ...metadata,
      labels: {
        [canonicalLabels.name]: identity.canonicalService,
        [canonicalLabels.revision]: identity.canonicalRevision,
        ...metadata.labels,
        [injectLabel]: 'true',
        [modeLabel]: 'istio',
      },
      annotations: {
        ...metadata.annotations,
        ...fileContents(renderInterceptionRules(wishes.rules)),
        ...waiting.annotations,
        ...(Object.keys(originals).length === 0 ? {} : { [probesAnnotation]: JSON.stringify(originals) }),
        [injectedAnnotation]: JSON.stringify({
          initContainers: [initName, proxyName],
          volumes: volumes.map(({ name }) => name),
        }),
      },
    },
    spec: {
      ...spec,
      initContainers: [initContainer(wishes, settings), proxy, ...inits.map(({ container }) => container)],
      containers: waiting.containers,
      volumes: [...(spec.volumes ?? []), ...volumes],
    },
  }
}

/** Who it will be: its name may still be made from another. */
function identityOf({ metadata, spec }: InjectablePod) {
  const name = metadata.name ?? metadata.generateName?.replace(/-$/, '') ?? ''
  return workloadOf({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
      ownerReferences: ownersOf(metadata),
    },
    spec: { containers: spec.containers.map((container) => ({ name: container.name, image: container.image ?? '' })) },
  })
}

const ownersOf = ({ ownerReferences = [] }: InjectablePod['metadata']) =>
  ownerReferences.map(({ kind, name, controller }) => ({
    apiVersion: '',
    kind,
    name,
    uid: '',
    ...(controller === undefined ? {} : { controller }),
  }))

const ownNames: ReadonlySet<string> = new Set([initName, proxyName, ...Object.values(volumeNames)])
const ownAnnotations: ReadonlySet<string> = new Set([
  injectedAnnotation,
  probesAnnotation,
  drainAnnotation,
  ...Object.values(fileAnnotations),
])

/** The pod as it was before; what others have added since stays. */
function withoutInjection(pod: InjectablePod): InjectablePod {
  const { metadata, spec } = pod
  const { annotations = {} } = metadata
  if (annotations[injectedAnnotation] === undefined) return pod
  const originals = readOriginals(annotations[probesAnnotation])
  const restore = (containers: InjectablePod['spec']['containers'] = []) =>
    containers.filter(({ name }) => !ownNames.has(name)).map((container) => restoreProbes(container, originals))
  return {
    ...pod,
    metadata: {
      ...metadata,
      annotations: Object.fromEntries(Object.entries(annotations).filter(([name]) => !ownAnnotations.has(name))),
    },
    spec: {
      ...spec,
      initContainers: restore(spec.initContainers),
      containers: restore(withoutWait(spec.containers, annotations[drainAnnotation])),
      volumes: spec.volumes?.filter(({ name }) => !ownNames.has(name)),
    },
  }
}

const originalsSchema = z.record(z.string(), z.record(z.string(), z.unknown()))

const readOriginals = (text: string | undefined): OriginalProbes =>
  originalsSchema.catch({}).parse(parseJson(text ?? '{}'))

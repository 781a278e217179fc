import { expect } from 'vitest'
import {
  type Canary,
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  type Deployment,
  deploymentKind,
  type EndpointSlice,
  endpointSliceKind,
  eventKind,
  type KubernetesObject,
  type MetricTemplate,
  metricTemplateKind,
  namespaceKind,
  type ResourceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { createReflector, type KubeClient } from '../../src/kube/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import type { Traffic } from '../../src/traffic/index.ts'
import { readTraffic } from '../../src/traffic/translate.ts'
import { eventually } from './eventually.ts'
import { rawCanary } from './raw-canary.ts'
import { queryOf, type StandInPrometheus } from './stand-in-prometheus.ts'

/** Where releases are played: a Kubernetes API with a controller that releases, and the metric server it asks. */
export interface Stage {
  /** An administrator. */
  readonly client: KubeClient
  /** Another administrator, whose fields show this name. */
  clientAs(fieldManager: string): KubeClient
  readonly prometheus: StandInPrometheus
  /** Fields that pods need to run there. */
  readonly podSpec: Readonly<Record<string, unknown>>
}

export interface StagedOptions {
  /** Of its own, so that apps of one stage can be released side by side. */
  readonly namespace: string
  /** Of workload and Canary; `web` when absent. */
  readonly name?: string
  readonly analysis?: Readonly<Record<string, unknown>>
  readonly spec?: Readonly<Record<string, unknown>>
}

/** A Deployment in its first version with its Canary, watched from outside. */
export interface StagedApp {
  readonly namespace: string
  setImage(version: string): Promise<void>
  setMetric(value: number | undefined): void
  /** As soon as this route is published there is no metric any more: the release stays there until there is one. */
  standAt(route: string): void
  annotate(annotation: string): Promise<void>
  canary(): Promise<Canary>
  until(what: string, look: (canary: Canary) => unknown): Promise<Canary>
  /** Waits until the release of a version has ended. */
  ended(version: string): Promise<CanaryRun>
  deployment(name: string): Promise<Deployment>
  /** `kind weight outcome` of each step of a run. */
  steps(run: CanaryRun): readonly string[]
  /** Every route that was published, in order: `weight+mirror`. */
  readonly routes: readonly string[]
  /** Whether the Service had a ready pod, each time that changed. */
  readonly served: boolean[]
  eventReasons(): Promise<readonly string[]>
  stop(): Promise<void>
}

/** Generous: the machine may be busy with other tests. */
const WITHIN_MS = 120_000

/** One mirrored step, then one of half of the traffic. Scrapes need 3.25 s to settle before a window counts. */
const analysisOf = (more: StagedOptions['analysis']) => ({
  interval: '4s',
  threshold: 1,
  stepWeight: undefined,
  stepWeights: [50],
  metrics: [{ name: 'success', templateRef: { name: 'success' }, thresholdRange: { min: 99 } }],
  ...more,
})

export const stagedCanary = (
  { namespace, analysis, spec, name: workload = 'web' }: StagedOptions,
  name = workload,
): Canary =>
  ({
    ...rawCanary({
      spec: {
        targetRef: { kind: 'Deployment', name: workload },
        service: { port: 80, targetPort: 8080 },
        progressDeadlineSeconds: 60,
        ...spec,
      },
      analysis: analysisOf(analysis),
    }),
    metadata: { name, namespace },
  }) as unknown as Canary

/** No program has an image of this version: its pods never get ready. */
export const brokenVersion = 'broken'

const imageOf = (version: string): string => (version === brokenVersion ? 'demo/none:broken' : `demo/web:${version}`)

export const stagedDeployment = ({ podSpec }: Pick<Stage, 'podSpec'>, namespace: string, name = 'web'): Deployment =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          ...podSpec,
          containers: [{ name: 'web', image: imageOf('1.0.0'), ports: [{ name: 'http', containerPort: 8080 }] }],
        },
      },
    },
  }) as unknown as Deployment

const template = ({ prometheus }: Stage, namespace: string): MetricTemplate => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name: 'success', namespace },
  spec: { provider: { type: 'prometheus', address: prometheus.url }, query: queryOf('{{ namespace }}') },
})

/** A namespace in which a Canary can be released: its template is there. */
export async function startNamespace(stage: Stage, name: string): Promise<void> {
  await stage.client.apply(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  await stage.client.create(metricTemplateKind, template(stage, name))
}

/** Creates everything and waits until the first version is initialized. */
export async function startStagedApp(stage: Stage, options: StagedOptions): Promise<StagedApp> {
  await startNamespace(stage, options.namespace)
  return joinNamespace(stage, options)
}

/** The same in a namespace that is there. */
export async function joinNamespace(stage: Stage, options: StagedOptions): Promise<StagedApp> {
  const { client } = stage
  const { namespace, name } = options
  await client.create(deploymentKind, stagedDeployment(stage, namespace, name))
  await client.create(canaryKind, stagedCanary(options))
  const app = watchApp(stage, namespace, name)
  await app.until('the first version', ({ status }) => expect(status?.phase).toBe('Initialized'))
  return app
}

export function watchApp(stage: Stage, namespace: string, name = 'web'): StagedApp {
  const { client } = stage
  const ref = { namespace, name }
  const stop = new AbortController()
  const routes: string[] = []
  const served: boolean[] = []
  let standing: string | undefined
  const canary = async () => (await client.get(canaryKind, ref)) ?? expect.unreachable(`no canary in ${namespace}`)
  const seeRoute = (virtualService: VirtualService) => {
    const traffic = readTraffic(virtualService, { apex: name, primary: `${name}-primary`, canary: `${name}-canary` })
    if (traffic === undefined) return
    const route = describeTraffic(traffic)
    noteChange(routes, route)
    if (route !== standing) return
    standing = undefined
    stage.prometheus.set(namespace, undefined)
  }
  const seeSlice = (slice: EndpointSlice) => {
    if (slice.metadata.labels?.['kubernetes.io/service-name'] === name) noteChange(served, hasReadyPod(slice))
  }
  const watching = [
    follow({ client, namespace, kind: virtualServiceKind, see: seeRoute }, stop.signal),
    follow({ client, namespace, kind: endpointSliceKind, see: seeSlice }, stop.signal),
  ]
  return {
    namespace,
    routes,
    served,
    canary,
    setMetric: (value) => stage.prometheus.set(namespace, value),
    standAt(route) {
      standing = route
    },
    async setImage(version) {
      const containers = [{ name: 'web', image: imageOf(version) }]
      await client.patch(deploymentKind, ref, { spec: { template: { spec: { containers } } } }, { type: 'strategic' })
    },
    async annotate(annotation) {
      const revision = (await canary()).status?.lastAppliedSpec
      await client.patch(canaryKind, ref, { metadata: { annotations: { [annotation]: revision } } }, { type: 'merge' })
    },
    async until(what, look) {
      let seen: Canary | undefined
      const isThere = async () => {
        seen = await canary()
        return look(seen) === false ? false : seen
      }
      const options = { within: WITHIN_MS, every: 50, what: `${namespace}/${name}: ${what}` }
      return (await eventually(isThere, options).catch((error: Error) => {
        throw new Error(`${error.message}; status ${JSON.stringify(seen?.status)}`, { cause: error })
      })) as Canary
    },
    async ended(version) {
      const isEnded = async () => {
        const { items } = await client.list(canaryRunKind, { namespace })
        const run = items.findLast(({ spec }) => spec.canary === name && spec.images.includes(imageOf(version)))
        const outcome = run?.status?.phase
        expect(run?.status?.endedAt, JSON.stringify(run?.status?.progress)).toBeDefined()
        if (outcome !== 'Superseded') expect((await canary()).status?.phase).toBe(outcome)
        return run ?? expect.unreachable(version)
      }
      return eventually(isEnded, { within: WITHIN_MS, every: 50, what: `${namespace}/${name}: the end of ${version}` })
    },
    deployment: async (deployment) =>
      (await client.get(deploymentKind, { namespace, name: deployment })) ??
      expect.unreachable(`no Deployment ${deployment}`),
    steps: ({ status }) => (status?.steps ?? []).map(({ kind, weight, outcome }) => `${kind} ${weight} ${outcome}`),
    async eventReasons() {
      const { items } = await client.list(eventKind, { namespace })
      const ofCanary = items.filter(({ involvedObject }) => involvedObject.kind === 'Canary')
      return [...new Set(ofCanary.map(({ reason }) => reason ?? ''))].toSorted()
    },
    async stop() {
      stop.abort()
      await Promise.all(watching)
    },
  }
}

/** Routes that were published since it was asked last. */
export function newRoutesOf({ routes }: StagedApp): () => readonly string[] {
  let seen = 0
  return () => {
    const some = routes.slice(seen)
    seen = routes.length
    return some
  }
}

const describeTraffic = ({ canary, mirror }: Traffic): string => `${canary}+${mirror}`

const hasReadyPod = ({ endpoints }: EndpointSlice): boolean =>
  (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false)

function noteChange<T>(seen: T[], value: T): void {
  if (seen.at(-1) !== value) seen.push(value)
}

interface Following<T extends KubernetesObject> {
  readonly client: KubeClient
  readonly kind: ResourceKind<T>
  readonly namespace: string
  /** Called with every state of every object, from now on. */
  readonly see: (object: T) => void
}

function follow<T extends KubernetesObject>(following: Following<T>, signal: AbortSignal): Promise<void> {
  const reflector = createReflector({ ...following, clock: systemClock, log: silentLogger })
  reflector.onChange((current) => {
    if (current) following.see(current)
  })
  return reflector.start(signal)
}

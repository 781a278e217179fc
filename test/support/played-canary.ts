import {
  type Canary,
  canaryKind,
  configMapKind,
  deploymentKind,
  horizontalPodAutoscalerKind,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { canonicalJson } from '../../src/base/index.ts'
import type { Logger } from '../../src/runtime/index.ts'
import type { MemoryWrite } from './memory-api.ts'
import { buildDeployment, createReleaseCluster, type ReleaseCluster } from './release-cluster.ts'

const namespace = 'default'

/** What became of a Canary that somebody wrote, seen from outside. */
export interface Played {
  /** Objects of others are as they were. */
  readonly isUntouched: boolean
  /** Writes of the controller to what is not this Canary's. */
  readonly strangers: readonly MemoryWrite[]
  /** Passes that failed in earnest. */
  readonly failures: readonly unknown[]
  readonly routes: number
  /** Message of its condition `Stalled` where it is invalid. */
  readonly refusal: string | undefined
}

/** Hands a spec to the controller as it is, releases a new version, and lets some time pass. */
export async function playCanary(spec: unknown): Promise<Played> {
  const cluster = createReleaseCluster()
  await placeBystanders(cluster)
  const bystanders = () =>
    canonicalJson([cluster.api.get(serviceKind, 'theirs'), cluster.api.get(configMapKind, 'settings')])
  const before = bystanders()
  const metadata = { name: 'web', namespace }
  await cluster.user.create(canaryKind, {
    apiVersion: 'sluice.dev/v1',
    kind: 'Canary',
    metadata,
    spec,
  } as unknown as Canary)
  const failures: unknown[] = []
  const stop = cluster.startController({ log: collectingLogger(failures) })
  await cluster.pass(3_000)
  await cluster.setImage('web:2')
  await cluster.pass(15_000)
  await stop()
  return {
    isUntouched: bystanders() === before,
    strangers: cluster.api.writes.filter((write) => write.by === 'controller' && !isItsOwn(spec, write)),
    failures,
    routes: cluster.api.list(virtualServiceKind).length,
    refusal: refusalOf(cluster.canary()),
  }
}

/** The Deployment and its autoscaler that specs name, and what is somebody else's and in nobody's way. */
async function placeBystanders({ user }: ReleaseCluster): Promise<void> {
  for (const name of ['web', 'other', 'other-primary']) await user.create(deploymentKind, buildDeployment(name))
  await user.create(horizontalPodAutoscalerKind, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 3 },
  })
  await user.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'theirs', namespace },
    spec: { selector: { app: 'theirs' } },
  })
  await user.create(configMapKind, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace },
    data: { a: 'b' },
  })
}

interface Names {
  readonly target: unknown
  readonly apex: unknown
  readonly autoscaler: unknown
}

/** For each kind, the names that Sluice may write for a Canary `web`: generated ones, and the workload it is told of. */
const allowed: Readonly<Record<string, (name: string, names: Names, verb: MemoryWrite['verb']) => boolean>> = {
  Canary: (name) => name === 'web',
  CanaryRun: (name) => /^web-\d+$/.test(name),
  Event: (name) => name.startsWith('web.'),
  Deployment: isWorkload,
  DaemonSet: isWorkload,
  Service: (name, { apex }) => [apex, `${apex}-primary`, `${apex}-canary`].includes(name),
  VirtualService: (name, { apex }) => name === apex,
  DestinationRule: (name, { apex }) => [`${apex}-primary`, `${apex}-canary`].includes(name),
  HorizontalPodAutoscaler: (name, { autoscaler }) => name === `${autoscaler}-primary`,
  ScaledObject: (name, { autoscaler }, verb) =>
    name === `${autoscaler}-primary` || (name === autoscaler && verb === 'patch'),
}

/** The workload itself is scaled by a patch, and never more. */
function isWorkload(name: string, { target }: Names, verb: MemoryWrite['verb']): boolean {
  return name === `${target}-primary` || (name === target && verb === 'patch')
}

function isItsOwn(spec: unknown, write: MemoryWrite): boolean {
  const { targetRef, service, autoscalerRef } = spec as Readonly<
    Record<string, { readonly name?: unknown } | undefined>
  >
  const target = targetRef?.name
  const names = { target, apex: service?.name ?? target, autoscaler: autoscalerRef?.name }
  return write.namespace === namespace && allowed[write.kind]?.(write.name, names, write.verb) === true
}

/** Keeps what failed in earnest: somebody else's write in between is no failure. */
function collectingLogger(failures: unknown[]): Logger {
  const keep = (fields: object, message: string): void => {
    const text = JSON.stringify(fields)
    if (/work failed/.test(message) && !/Conflict|AlreadyExists/.test(text)) failures.push(text)
  }
  const logger: Logger = { debug: () => undefined, info: () => undefined, warn: keep, error: keep, child: () => logger }
  return logger
}

function refusalOf({ status }: Canary): string | undefined {
  const stalled = status?.conditions?.find(({ type, status: value }) => type === 'Stalled' && value === 'True')
  return stalled?.reason === 'InvalidCanary' ? stalled.message : undefined
}

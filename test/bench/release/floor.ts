import { type Deployment, deploymentKind } from '../../../src/api/index.ts'
import { createKubeClient, createReflector } from '../../../src/kube/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts'
import { eventually } from '../../support/eventually.ts'
import { cpuSecondsOf } from './process-usage.ts'
import { collection, creation, NAMESPACE } from './subject.ts'
import { imagePatch, workloadSpec } from './workload.ts'

/** What is left of a detection where nobody has to notice the change, or to move a route. */
export interface Floor {
  /** Milliseconds from the change, which sets image and replicas at once, to the watch event of a pod that is ready. */
  readonly readyMs: readonly number[]
  /** Of everything but the harness, in all rounds. */
  readonly cpuSeconds: number
}

export interface FloorOptions {
  readonly canaries: number
  readonly rounds: number
  readonly report: (line: string) => void
}

const DEPLOYMENTS = collection('apps/v1', 'deployments')

/** Changes workloads that nobody releases: the same ones, with the same Service, on the same control plane. */
export async function measureFloor({ canaries, rounds, report }: FloorOptions): Promise<Floor> {
  const plane = await startControlPlane()
  const stop = new AbortController()
  const apps = Array.from({ length: canaries }, (_, index) => `app-${index}`)
  try {
    await createApps(plane, apps)
    const deployments = await watchDeployments(plane, stop.signal)
    const readyMs: number[] = []
    let cpuSeconds = 0
    for (let round = 1; round <= rounds; round++) {
      const before = await cpuSecondsOf(plane.processes)
      const ready = deployments.untilEach(apps, isReady)
      const start = performance.now()
      const body = { spec: { ...(imagePatch(String(round + 1)) as { readonly spec: object }).spec, replicas: 1 } }
      await Promise.all(apps.map((app) => change(plane, app, body)))
      readyMs.push(...(await ready).map((at) => at - start))
      cpuSeconds += (await cpuSecondsOf(plane.processes)) - before
      const gone = deployments.untilEach(apps, isGone)
      await Promise.all(apps.map((app) => change(plane, app, { spec: { replicas: 0 } })))
      await gone
    }
    report(`no controller: ready after ${(Math.max(...readyMs) / 1_000).toFixed(2)} s`)
    return { readyMs, cpuSeconds }
  } finally {
    stop.abort()
    await plane.stop()
  }
}

async function createApps(plane: ControlPlane, apps: readonly string[]): Promise<void> {
  await plane.request('POST', '/api/v1/namespaces', { body: { metadata: { name: NAMESPACE } } })
  for (const app of apps) {
    const spec = { ...workloadSpec(app), replicas: 0 }
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }]
    const objects = [
      creation('apps/v1', 'Deployment', 'deployments', { metadata: { name: app }, spec }),
      creation('v1', 'Service', 'services', {
        metadata: { name: `${app}-canary` },
        spec: { selector: { app }, ports },
      }),
    ]
    for (const { path, body } of objects) {
      const { status } = await plane.request('POST', path, { body })
      if (status !== 201) throw new Error(`POST ${path}: ${status}`)
    }
  }
  await eventually(
    async () => {
      const { body } = await plane.request('GET', DEPLOYMENTS)
      if (!(body.items as readonly Deployment[]).every(isGone)) throw new Error('not every Deployment was looked at')
    },
    { within: 300_000, every: 250, what: 'Deployments without pods' },
  )
}

async function change({ request }: ControlPlane, app: string, body: object): Promise<void> {
  const contentType = 'application/merge-patch+json'
  const { status } = await request('PATCH', `${DEPLOYMENTS}/${app}`, { body, contentType })
  if (status !== 200) throw new Error(`PATCH of ${app}: ${status}`)
}

const isObserved = ({ metadata, status }: Deployment): boolean => status?.observedGeneration === metadata.generation

const isReady = (deployment: Deployment): boolean =>
  isObserved(deployment) && deployment.status?.updatedReplicas === 1 && deployment.status.availableReplicas === 1

const isGone = (deployment: Deployment): boolean =>
  isObserved(deployment) && deployment.spec.replicas === 0 && (deployment.status?.replicas ?? 0) === 0

interface DeploymentWatch {
  /** The time (performance.now) at which each was first seen to be so, from now on. */
  untilEach(apps: readonly string[], holds: (deployment: Deployment) => boolean): Promise<readonly number[]>
}

async function watchDeployments(plane: ControlPlane, signal: AbortSignal): Promise<DeploymentWatch> {
  const client = createKubeClient({ kubeconfig: plane.kubeconfig, fieldManager: 'bench' })
  const reflector = createReflector<Deployment>({
    ...{ client, kind: deploymentKind, namespace: NAMESPACE },
    ...{ clock: systemClock, log: silentLogger },
  })
  // It ends with the signal, and survives everything else.
  void reflector.start(signal)
  await reflector.synced
  return {
    untilEach: (apps, holds) =>
      new Promise((resolve) => {
        const times = new Map<string, number>()
        const leave = reflector.onChange((current) => {
          if (current === undefined || times.has(current.metadata.name) || !holds(current)) return
          times.set(current.metadata.name, performance.now())
          if (times.size < apps.length) return
          leave()
          resolve([...times.values()])
        })
      }),
  }
}

import { Writable } from 'node:stream'
import { createKubeClient } from '../../src/kube/index.ts'
import { type Child, silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { eventually } from './eventually.ts'
import { startHelm } from './helm.ts'
import { installChart } from './install-chart.ts'
import { simulatedNode } from './simulated-node.ts'
import type { Stage } from './staged-app.ts'
import { startStandInPrometheus } from './stand-in-prometheus.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

export const systemNamespace = 'sluice-system'
export const controllerAccount = 'sluice-controller'
export const controllerUser = `system:serviceaccount:${systemNamespace}:${controllerAccount}`

/** A controller in a process of its own, with the rights that the chart grants and no other. */
export interface StagedController {
  readonly process: Child
  /** The token it began with, as the audit log names it. */
  readonly credential: string
  output(): string
}

/** A real control plane on which the chart is installed. */
export interface KubeStage extends Stage {
  readonly plane: ControlPlane
  startController(): Promise<StagedController>
  /** Starts a controller, and another one when it has lost its lease, as on a machine that is too busy to renew it in time. */
  keepController(): Promise<void>
  stop(): Promise<void>
}

export interface KubeStageOptions {
  /** A namespace in which the controller may read Secrets; it is made. */
  readonly readSecretsIn?: string
  /** A namespace in which the controller may run Jobs; it is made. */
  readonly runJobsIn?: string
  /** Canaries of Flagger are released, too; their CRDs are the caller's. */
  readonly flaggerCompat?: boolean
}

export async function startKubeStage(options: KubeStageOptions = {}): Promise<KubeStage> {
  const { flaggerCompat = false, ...rights } = options
  const plane = await startControlPlane()
  const helm = await startHelm(plane.kubeconfig)
  const prometheus = await startStandInPrometheus()
  const controllers: StagedController[] = []
  const kept: Promise<void>[] = []
  let isStopping = false
  const startOne = async (): Promise<StagedController> => {
    const { body } = await plane.request('GET', chartsController)
    const flags: readonly string[] = body.spec.template.spec.containers[0].args
    const controller = await startController(plane, `controller-${controllers.length}`, flags)
    controllers.push(controller)
    return controller
  }
  const keep = async (first: StagedController): Promise<void> => {
    let controller = first
    await controller.process.exited
    while (!isStopping && controller.output().includes('the lease was lost')) {
      controller = await eventually(startOne, { within: 60_000, what: 'the controller starts again' })
      if (isStopping) await controller.process.stop({ graceMs: 5_000 })
      await controller.process.exited
    }
  }
  const stop = async () => {
    isStopping = true
    for (const { process } of controllers) {
      process.kill('SIGCONT')
      await process.stop({ graceMs: 5_000 })
    }
    await Promise.all(kept)
    await prometheus[Symbol.asyncDispose]()
    await helm.stop()
    await plane.stop()
  }
  try {
    const granted = Object.entries(rights)
    const values = [
      ...granted.map(([right, name]) => `controller.${right}={${name}}`),
      `controller.flaggerCompat.enabled=${flaggerCompat}`,
    ]
    for (const [, name] of granted) await plane.request('POST', '/api/v1/namespaces', { body: { metadata: { name } } })
    const flags = ['--namespace', systemNamespace, '--create-namespace', ...values.flatMap((each) => ['--set', each])]
    await installChart(plane, helm, ...flags)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    plane,
    prometheus,
    client: createKubeClient({ kubeconfig: plane.kubeconfig, fieldManager: 'test' }),
    clientAs: (fieldManager) => createKubeClient({ kubeconfig: plane.kubeconfig, fieldManager }),
    podSpec: { nodeName: simulatedNode },
    startController: startOne,
    async keepController() {
      kept.push(keep(await startOne()))
    },
    stop,
  }
}

const chartsController = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/sluice-controller`

/** As the pods of the chart would run it, but for the place. */
async function startController(
  plane: ControlPlane,
  name: string,
  chartFlags: readonly string[],
): Promise<StagedController> {
  const { path, credential } = await plane.credentialsOf(systemNamespace, controllerAccount, name)
  const output: string[] = []
  const sink = new Writable({ write: (chunk, _, done) => done(void output.push(String(chunk))) })
  const child = spawnChild({
    command: process.execPath,
    args: [
      ...[MAIN, 'controller', ...chartFlags],
      ...['--kubeconfig', path, '--listen', '127.0.0.1:0', '--mesh-provider', 'istio'],
    ],
    env: process.env,
    stdout: sink,
    stderr: sink,
    log: silentLogger,
  })
  return { process: child, credential, output: () => output.join('') }
}

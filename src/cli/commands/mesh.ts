import { readFile } from 'node:fs/promises'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createKubeClient, createReflector } from '../../kube/index.ts'
import { createControlPlane } from '../../mesh/control-plane/index.ts'
import { createLogger, messageOf, runTogether, systemClock, untilSignal } from '../../runtime/index.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { parseListen, serveProbes } from '../probe-server.ts'

export interface MeshCommandOptions {
  readonly kubeconfig?: string
  readonly logLevel: string
  readonly xdsListen: string
  readonly xdsTokenFile?: string
  readonly listen: string
}

/** The control plane process: xDS for every proxy, probes and metrics. */
export async function runMesh(options: MeshCommandOptions): Promise<void> {
  using stop = untilSignal()
  const acting = {
    clock: systemClock,
    log: createLogger({ name: 'mesh', level: options.logLevel }),
    random: Math.random,
  }
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const client = createKubeClient({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    fieldManager: 'sluice-mesh',
  })
  const controlPlane = createControlPlane({
    ...acting,
    client,
    registry,
    reflectorOf: (kind) => createReflector({ ...acting, client, kind }),
    xds: { ...parseListen(options.xdsListen), token: await readToken(options.xdsTokenFile) },
  })
  const { isReady } = controlPlane
  await runTogether(stop.signal, [
    (signal) => serveProbes({ listen: options.listen, registry, log: acting.log, isReady }, signal),
    controlPlane.start,
  ])
}

async function readToken(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new CommandError(`--xds-token-file ${path}: ${messageOf(error)}`, exitCodes.usage)
  }
}

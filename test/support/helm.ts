import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { requireTool } from './kube-binaries.ts'

export interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A real helm with a home of its own. */
export interface Helm {
  run(...args: readonly string[]): Promise<Output>
  /** The objects of `helm template` or of a dry run. */
  render(...args: readonly string[]): Promise<readonly RenderedObject[]>
  stop(): Promise<void>
}

export interface RenderedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object }
  // biome-ignore lint/suspicious/noExplicitAny: an object of whatever kind the chart holds
  readonly [field: string]: any
}

export const CHART = join(import.meta.dirname, '../../charts/sluice')

export async function startHelm(kubeconfig?: string): Promise<Helm> {
  const command = await requireTool('helm')
  const home = await mkdtemp(join(tmpdir(), 'sluice-helm-'))
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
    KUBECONFIG: kubeconfig ?? join(home, 'none'),
  }
  const run = (...args: readonly string[]) =>
    new Promise<Output>((resolve) => {
      execFile(command, args, { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
      })
    })
  const render = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(...args)
    if (code !== 0) throw new Error(stderr)
    return parseAllDocuments(stdout)
      .map((document) => document.toJS() as RenderedObject | null)
      .filter((object) => object !== null)
  }
  return { run, render, stop: () => rm(home, { recursive: true, force: true }) }
}

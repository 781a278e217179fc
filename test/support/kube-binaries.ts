import { execFile } from 'node:child_process'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type GoTool, goToolPath, isBuilt } from '../../scripts/go-tools.ts'

/**
 * Tests against a real control plane or helm need programs that no package registry has. They run where
 * KUBEBUILDER_ASSETS names a folder that holds them, or where SLUICE_TEST_KUBE=1 allows to build them with Go.
 */
const HOW =
  'npm run test:kube, or SLUICE_TEST_KUBE=1 (builds them once, needs Go 1.26 and some minutes), or KUBEBUILDER_ASSETS set to a folder with etcd, kube-apiserver, kube-controller-manager and kwok and SLUICE_HELM to helm'

/** Why tests that need these tools are skipped here; undefined where they run. Says so aloud. */
export function skipReason(what: string, ...tools: readonly GoTool[]): string | undefined {
  if (process.env.SLUICE_TEST_KUBE === '1') return undefined
  const missing = tools.filter((tool) => provided(tool) === undefined)
  if (missing.length === 0) return undefined
  const reason = `SKIPPED ${what}: ${missing.join(', ')} missing. To run: ${HOW}`
  console.warn(reason)
  return reason
}

/** The path of a tool, which is built first where nobody provides it. */
export async function requireTool(tool: GoTool): Promise<string> {
  const path = provided(tool)
  if (path !== undefined) return path
  if (!(await isBuilt(tool))) await build(tool)
  return goToolPath(tool)
}

function provided(tool: GoTool): string | undefined {
  const assets = process.env.KUBEBUILDER_ASSETS
  const path = tool === 'helm' ? process.env.SLUICE_HELM : assets && join(assets, tool)
  return path !== undefined && path !== '' && isExecutable(path) ? path : undefined
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Test files run side by side: the lock lets one of them build while the others wait. */
async function build(tool: GoTool): Promise<void> {
  const lock = join(dirname(dirname(goToolPath(tool))), 'build.lock')
  mkdirSync(dirname(lock), { recursive: true })
  const script = join(import.meta.dirname, '../../scripts/build-go-tools.ts')
  await promisify(execFile)('flock', [lock, process.execPath, script, tool], { maxBuffer: 64 << 20 })
}

/** Vitest's limit for hooks that may have to build. */
export const BUILD_TIMEOUT_MS = 20 * 60_000

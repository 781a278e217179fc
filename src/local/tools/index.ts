/**
 * local/tools: finds Envoy and Prometheus on this machine or fetches them, so that the local platform can run them.
 * In order: the tool's own variable (SLUICE_ENVOY, SLUICE_PROMETHEUS), PATH, the cache, the network. What is fetched is
 * pinned or signed, checked, and put in the cache by one rename, under a lock that dies with its holder.
 * It knows nothing of pods or meshes.
 */
import { messageOf } from '../../runtime/index.ts'
import { envoyTool } from './envoy.ts'
import { prometheusTool, promtoolTool } from './prometheus.ts'
import { find, type ProvisionOptions, provision } from './provision.ts'
import type { Tool, ToolLocation, ToolName } from './tool.ts'

export { createProgressReport, type ProgressOutput } from './progress.ts'
export type { ProvisionOptions } from './provision.ts'
export type { Environment, FetchJob, Report, Tool, ToolEvent, ToolLocation, ToolName, ToolSource } from './tool.ts'

const PLATFORM = `${process.platform}-${process.arch}`

/** The tools of this machine's platform; tests give others. */
export const platformTools = (platform = PLATFORM): Readonly<Record<ToolName, Tool>> => ({
  envoy: envoyTool(platform),
  prometheus: prometheusTool(platform),
  promtool: promtoolTool(platform),
})

export interface ToolLocations {
  readonly envoy: ToolLocation
  readonly prometheus: ToolLocation
}

/** Both tools, found or fetched side by side. Throws one error that names all that was tried for those that lack. */
export async function provisionTools(
  options: ProvisionOptions & { readonly tools?: Readonly<Record<'envoy' | 'prometheus', Tool>> },
): Promise<ToolLocations> {
  const tools = options.tools ?? platformTools()
  const [envoy, prometheus] = await Promise.allSettled([
    provision(tools.envoy, options),
    provision(tools.prometheus, options),
  ])
  options.signal.throwIfAborted()
  if (envoy.status === 'fulfilled' && prometheus.status === 'fulfilled') {
    return { envoy: envoy.value, prometheus: prometheus.value }
  }
  const failures = [envoy, prometheus].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(messageOf).join('\n'))
}

/** Envoy on this machine, if there is one: variable, PATH, cache. */
export const findEnvoy = (options: ProvisionOptions): Promise<ToolLocation | undefined> =>
  find(platformTools().envoy, options)

/** Prometheus on this machine, if there is one: variable, PATH, cache. */
export const findPrometheus = (options: ProvisionOptions): Promise<ToolLocation | undefined> =>
  find(platformTools().prometheus, options)

/** Envoy alone, found or fetched. */
export const provisionEnvoy = (options: ProvisionOptions): Promise<ToolLocation> =>
  provision(platformTools().envoy, options)

/** Prometheus alone, found or fetched. */
export const provisionPrometheus = (options: ProvisionOptions): Promise<ToolLocation> =>
  provision(platformTools().prometheus, options)

/** Promtool, found or fetched. */
export const provisionPromtool = (options: ProvisionOptions): Promise<ToolLocation> =>
  provision(platformTools().promtool, options)

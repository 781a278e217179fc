/** The programs that the local platform runs and does not contain, and promtool, which checks rules. */
export type ToolName = 'envoy' | 'prometheus' | 'promtool'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ToolLocation {
  readonly path: string
  readonly version: string
}

/** What is known of a tool before it is looked for. */
export interface Tool {
  readonly name: ToolName
  /** Variable that names the binary and goes before everything else. */
  readonly variable: string
  /** Folder of the cache, with the platform and, where one version is pinned, the version. */
  readonly cacheKey: string
  /** Range of versions (semver) that the platform works with. */
  readonly accepts: string
  /** Finds the version in what `--version` prints. */
  readonly versionPattern: RegExp
  /** Where it comes from when it is not on the machine, in order. */
  readonly sources: readonly ToolSource[]
}

/** One way to get a tool. */
export interface ToolSource {
  /** Shown in progress and errors; never holds a credential. */
  readonly name: string
  /** Leaves the verified binary at `job.destination`, or throws an error whose message says why it could not. */
  fetch(job: FetchJob): Promise<void>
}

export interface FetchJob {
  readonly environment: Environment
  /** Only this job writes here. What stays is there for a resumed fetch. */
  readonly workDirectory: string
  readonly destination: string
  readonly signal: AbortSignal
  readonly onBytes: (received: number, total: number | undefined) => void
}

/** What provisioning tells its user while it works. */
export type ToolEvent =
  | { readonly kind: 'found'; readonly tool: ToolName; readonly location: ToolLocation; readonly where: string }
  | { readonly kind: 'waiting'; readonly tool: ToolName }
  | { readonly kind: 'corrupted'; readonly tool: ToolName; readonly path: string }
  | { readonly kind: 'fetching'; readonly tool: ToolName; readonly source: string }
  | { readonly kind: 'bytes'; readonly tool: ToolName; readonly received: number; readonly total: number | undefined }
  | { readonly kind: 'failed'; readonly tool: ToolName; readonly source: string; readonly cause: string }
  | { readonly kind: 'installed'; readonly tool: ToolName; readonly location: ToolLocation; readonly source: string }

export type Report = (event: ToolEvent) => void

import type { Clock, Logger } from '../../runtime/index.ts'
import type { PodTiming } from '../node-agent/index.ts'

export interface LocalPlatformOptions {
  readonly dataDirectory: string
  /** Paths of the programs. */
  readonly tools: { readonly envoy: string; readonly prometheus: string }
  /** Command lines of `sluice mesh` and `sluice controller`; their flags are added here. */
  readonly children: { readonly mesh: readonly string[]; readonly controller: readonly string[] }
  /** `netns` gives each pod a network of its own (root only); pods share the loopback device when absent. */
  readonly isolation?: 'process' | 'netns'
  /** Serve Flagger's kinds, too; the command line of the controller says whether they are released. */
  readonly flaggerCompat?: boolean
  readonly clock: Clock
  readonly log: Logger
  readonly random?: () => number
  /** The environment of this process, as its children may need it; `process.env` when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly timing?: Partial<PodTiming>
}

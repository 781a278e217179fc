import type { LocalImage, Service } from '../../../api/index.ts'
import type { EventRecorder, KubeClient } from '../../../kube/index.ts'
import type { Clock, Logger } from '../../../runtime/index.ts'
import type { RestartTiming } from '../container/restart-delay.ts'
import type { IsolatedNetwork } from '../network/isolation.ts'
import type { PodAddressBook } from '../network/pod-addresses.ts'
import type { SidecarOptions } from './envoy-launch.ts'

export interface PodTiming {
  readonly restart: RestartTiming
  /** How long is waited at most for proxies to forget a leaving pod before its program is told to stop. */
  readonly forgetAtMostMs: number
  /** Milliseconds between SIGTERM and SIGKILL when the agent itself stops. */
  readonly shutdownGraceMs: number
}

/** What all pods of a node share. */
export interface PodDependencies {
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly addresses: PodAddressBook
  /** Gives each pod a network of its own; pods share this machine's when absent. */
  readonly network?: IsolatedNetwork | undefined
  readonly services: () => readonly Service[]
  readonly images: () => readonly LocalImage[]
  readonly sidecar: SidecarOptions
  /** Resolves when nobody sends anything to the address of a pod any more, or the signal fires. */
  readonly untilGone: (address: string, signal: AbortSignal) => Promise<void>
  /** What every program gets of this machine's environment, such as PATH. */
  readonly machine: Readonly<Record<string, string>>
  /** Logs and bootstraps of the pods live below. */
  readonly directory: string
  /** A folder with a short path, for sockets. */
  readonly socketDirectory: string
  readonly timing: PodTiming
  readonly clock: Clock
  readonly log: Logger
}

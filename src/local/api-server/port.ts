import type { Clock, Logger } from '../../runtime/index.ts'

export interface LogRequest {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly follow: boolean
  /** Undefined: from the beginning. */
  readonly tailLines: number | undefined
  /** The log of the container's run before this one. */
  readonly previous: boolean
}

/** Where `kubectl logs` reads: the node agent has the files. */
export interface LogSource {
  readLog(request: LogRequest, signal: AbortSignal): AsyncIterable<Buffer>
}

export interface ApiServerOptions {
  /** A loopback address; `127.N.0.1` gives Services addresses of 127.N.128-159.x. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly dataDirectory: string
  readonly clock: Clock
  readonly log: Logger
  /** Random and kept in the data directory when absent. */
  readonly token?: string
  /** Without one, logs answer 501. */
  readonly logSource?: LogSource
  /** Kubeconfig file; `<dataDirectory>/kubeconfig` when absent. */
  readonly kubeconfigPath?: string
}

export interface ApiServer {
  /** Serves until the signal fires, then lets the data reach the disk. */
  start(signal: AbortSignal): Promise<void>
  /** Resolves when it listens and the kubeconfig is written; rejects when it can not. */
  readonly ready: Promise<void>
  /** `https://host:port`, known once ready. */
  readonly url: string
  readonly kubeconfigPath: string
  /** PEM. */
  readonly caCertificate: string
  readonly token: string
}

import type { ProxyStream } from './proxy-stream.ts'

/** The open streams by node id. */
export class Streams {
  readonly #ofNode = new Map<string, readonly ProxyStream[]>()
  readonly #newest = new Map<string, ProxyStream>()

  /** Of two streams of one node the newer. */
  get newest(): ReadonlyMap<string, ProxyStream> {
    return this.#newest
  }

  of(nodeId: string): readonly ProxyStream[] {
    return this.#ofNode.get(nodeId) ?? []
  }

  add(stream: ProxyStream): void {
    this.#replace(stream.nodeId, [...this.of(stream.nodeId), stream])
  }

  /** False when it was gone already. */
  delete(stream: ProxyStream): boolean {
    const streams = this.of(stream.nodeId)
    if (!streams.includes(stream)) return false
    this.#replace(
      stream.nodeId,
      streams.filter((other) => other !== stream),
    )
    return true
  }

  #replace(nodeId: string, streams: readonly ProxyStream[]): void {
    const newest = streams.at(-1)
    if (newest === undefined) {
      this.#ofNode.delete(nodeId)
      this.#newest.delete(nodeId)
    } else {
      this.#ofNode.set(nodeId, streams)
      this.#newest.set(nodeId, newest)
    }
  }
}

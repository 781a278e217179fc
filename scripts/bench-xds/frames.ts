/** Frames of HTTP/2 (RFC 9113), as far as the bench's proxies need them. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  /** Only until the reader returns. */
  readonly payload: Buffer
}

export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const
export const FLAG = { acknowledgement: 1, endOfStream: 1, endOfHeaders: 4 } as const

const HEAD = 9

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const whole = Buffer.allocUnsafe(HEAD + payload.length)
  whole.writeUIntBE(payload.length, 0, 3)
  whole[3] = type
  whole[4] = flags
  whole.writeUInt32BE(streamId, 5)
  whole.set(payload, HEAD)
  return whole
}

/** Takes what arrives, in whichever pieces, and hands on whole frames. */
export function createFrameReader(take: (frame: Frame) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes) => {
    let open = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    for (let end = endOf(open); end !== undefined; end = endOf(open)) {
      const [type = 0, flags = 0] = open.subarray(3, 5)
      take({ type, flags, streamId: open.readUInt32BE(5), payload: open.subarray(HEAD, end) })
      open = open.subarray(end)
    }
    rest = Buffer.from(open)
  }
}

/** Undefined when the first frame is not there in full. */
function endOf(bytes: Buffer): number | undefined {
  if (bytes.length < HEAD) return undefined
  const end = HEAD + bytes.readUIntBE(0, 3)
  return end <= bytes.length ? end : undefined
}

export function settingsOf(payload: Buffer): { readonly initialWindowSize?: number } {
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === 4) return { initialWindowSize: payload.readUInt32BE(at + 2) }
  }
  return {}
}

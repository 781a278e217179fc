import type { OnReadOpts } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { createFrameReader, FLAG, FRAME, type Frame, frame, settingsOf } from './frames.ts'

/**
 * One gRPC stream on a TLS connection of its own, with as little of HTTP/2 as the bench needs: it shares the processors
 * with the server that it measures. Frames are written and read here, no header of the server is looked at, and what
 * arrives is never held back.
 */
export interface RawStream {
  send(...parts: readonly Uint8Array[]): void
}

export interface StreamOptions {
  readonly port: number
  readonly path: string
  readonly token: string
  readonly received: (message: Buffer) => void
}

/** Windows as large as they can be: nothing ever waits for this side. */
const LARGEST_WINDOW = 2 ** 31 - 1
const FIRST_WINDOW = 65_535
const LARGEST_FRAME = 16_384
/** Whether the message is compressed, and its length. */
const MESSAGE_HEAD = 5

/** Every read is over before the next one begins, of whichever connection. */
const shared = Buffer.allocUnsafe(65_536)

export function openStream(options: StreamOptions): Promise<RawStream> {
  const { promise, resolve, reject } = Promise.withResolvers<RawStream>()
  const reader = createFrameReader((each) => take(each))
  const connection: ConnectionOptions & { readonly onread: OnReadOpts } = {
    host: '127.0.0.1',
    port: options.port,
    servername: 'localhost',
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
    onread: {
      buffer: shared,
      callback(length: number) {
        reader(shared.subarray(0, length))
        return true
      },
    },
  }
  const socket = connect(connection)
  const sender = createSender(socket)
  const take = createFrameTaker(socket, sender, createMessageReader(options.received))
  socket.setNoDelay(true)
  socket.on('error', reject)
  socket.on('close', () => {
    throw new Error('the server closed the connection of a proxy')
  })
  socket.on('secureConnect', () => {
    socket.write(greeting(options))
    resolve({ send: (...parts) => sender.send(frameMessage(parts)) })
  })
  return promise
}

interface Sender {
  send(message: Buffer): void
  widen(streamId: number, by: number): void
}

/** What the server's windows do not take yet waits. */
function createSender(socket: TLSSocket): Sender {
  const windows = { connection: FIRST_WINDOW, stream: FIRST_WINDOW }
  let waiting: readonly Buffer[] = []
  const flush = (): void => {
    while (waiting.length > 0) {
      const [first = Buffer.alloc(0), ...others] = waiting
      const size = Math.min(first.length, LARGEST_FRAME, windows.connection, windows.stream)
      if (size <= 0) return
      windows.connection -= size
      windows.stream -= size
      socket.write(frame(FRAME.data, 0, 1, first.subarray(0, size)))
      waiting = size === first.length ? others : [first.subarray(size), ...others]
    }
  }
  return {
    send(message) {
      waiting = [...waiting, message]
      flush()
    },
    widen(streamId, by) {
      if (streamId === 0) windows.connection += by
      else windows.stream += by
      flush()
    },
  }
}

function createFrameTaker(
  socket: TLSSocket,
  { widen }: Sender,
  received: (payload: Buffer) => void,
): (each: Frame) => void {
  let streamWindow = FIRST_WINDOW
  const takeSettings = (payload: Buffer): void => {
    const { initialWindowSize = streamWindow } = settingsOf(payload)
    widen(1, initialWindowSize - streamWindow)
    streamWindow = initialWindowSize
    socket.write(frame(FRAME.settings, FLAG.acknowledgement, 0))
  }
  return (each) => {
    const { type, flags, streamId, payload } = each
    if (endsStream(each)) throw new Error(`the server ended the stream of a proxy (frame of type ${type})`)
    if (type === FRAME.data) received(payload)
    else if (type === FRAME.windowUpdate) widen(streamId, payload.readUInt32BE(0))
    else if ((flags & FLAG.acknowledgement) !== 0) return
    else if (type === FRAME.ping) socket.write(frame(FRAME.ping, FLAG.acknowledgement, 0, payload))
    else if (type === FRAME.settings) takeSettings(payload)
  }
}

const endsStream = ({ type, flags }: Frame): boolean =>
  type === FRAME.reset ||
  type === FRAME.goAway ||
  ((type === FRAME.data || type === FRAME.headers) && (flags & FLAG.endOfStream) !== 0)

function frameMessage(parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(MESSAGE_HEAD)
  head.writeUInt32BE(
    parts.reduce((sum, { length }) => sum + length, 0),
    1,
  )
  return Buffer.concat([head, ...parts])
}

/** Most messages come whole, in one frame; of the others the parts are kept until the last one. */
function createMessageReader(received: (message: Buffer) => void): (payload: Buffer) => void {
  let parts: Buffer[] = []
  let length = 0
  const wanted = (bytes: Buffer): number =>
    bytes.length < MESSAGE_HEAD ? MESSAGE_HEAD : MESSAGE_HEAD + bytes.readUInt32BE(1)
  let missing = MESSAGE_HEAD
  return (payload) => {
    length += payload.length
    if (length < missing) {
      parts.push(Buffer.from(payload))
      return
    }
    let bytes = parts.length === 0 ? payload : Buffer.concat([...parts, payload])
    for (; bytes.length >= wanted(bytes) && bytes.length >= MESSAGE_HEAD; bytes = bytes.subarray(wanted(bytes))) {
      received(bytes.subarray(MESSAGE_HEAD, wanted(bytes)))
    }
    parts = bytes.length === 0 ? [] : [Buffer.from(bytes)]
    length = bytes.length
    missing = wanted(bytes)
  }
}

/** All that a client says before its first message. */
function greeting({ port, path, token }: StreamOptions): Buffer {
  const settings = Buffer.alloc(12)
  settings.writeUInt16BE(2, 0) // No pushed streams.
  settings.writeUInt16BE(4, 6) // The first window of a stream.
  settings.writeUInt32BE(LARGEST_WINDOW, 8)
  const window = Buffer.alloc(4)
  window.writeUInt32BE(LARGEST_WINDOW - FIRST_WINDOW)
  const headers = Buffer.concat([
    Buffer.from([0x83, 0x87]), // :method POST, :scheme https
    headerField(4, path),
    headerField(1, `localhost:${port}`),
    headerField(31, 'application/grpc'),
    headerField(23, `Bearer ${token}`),
    Buffer.from([0]),
    headerText('te'),
    headerText('trailers'),
  ])
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(FRAME.settings, 0, 0, settings),
    frame(FRAME.windowUpdate, 0, 0, window),
    frame(FRAME.headers, FLAG.endOfHeaders, 1, headers),
  ])
}

/** A header of HPACK's static table, not indexed; what is above fourteen takes a second byte. */
const headerField = (index: number, value: string): Buffer =>
  Buffer.concat([Buffer.from(index < 15 ? [index] : [15, index - 15]), headerText(value)])

function headerText(value: string): Buffer {
  if (value.length > 126) throw new Error(`${value} is too long for a header of the bench`)
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')])
}

import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject } from '@grpc/grpc-js'
import { readResponse } from './scripted-proxy.ts'

/** One incremental stream over TLS whose bytes the test writes itself. Nothing is read before `read`. */
export interface RawStream {
  write(bytes: Buffer): void
  /** From now on what comes is taken in; it is listed in `responses`. */
  read(): void
  readonly responses: ReturnType<typeof readResponse>[]
  /** Resolves when the stream has ended. */
  readonly ended: Promise<StatusObject>
  close(): void
}

const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources'
const asItIs = (bytes: Buffer): Buffer => bytes

export function openRawStream(port: number, token: string): RawStream {
  const insecure = credentials.createSsl(null, null, null, { rejectUnauthorized: false })
  const client = new Client(`127.0.0.1:${port}`, insecure, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.ssl_target_name_override': 'xds.example',
    'grpc.max_send_message_length': -1,
  })
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(path, asItIs, asItIs, metadata)
  const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve))
  const responses: ReturnType<typeof readResponse>[] = []
  call.on('error', () => undefined)
  return {
    write: (bytes) => void call.write(bytes),
    read: () => void call.on('data', (response: Buffer) => responses.push(readResponse(response))),
    responses,
    ended,
    close() {
      call.cancel()
      client.close()
    },
  }
}

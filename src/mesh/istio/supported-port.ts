import { z } from 'zod'
import type { Protocol } from '../model/index.ts'

/** Istio's words for what a port speaks, where an object says it. */
export const portProtocol = z.enum([
  ...(['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTPS', 'TLS', 'TCP', 'MONGO', 'MYSQL', 'REDIS'] as const),
])

export const protocolNamed = (word: z.output<typeof portProtocol>): Protocol => protocols[word] ?? 'tcp'

/** Whether clients ask for the host by its name before they say anything else. */
export const startsWithTls = (word: z.output<typeof portProtocol>): boolean => word === 'HTTPS' || word === 'TLS'

const protocols: Readonly<Partial<Record<string, Protocol>>> = {
  HTTP: 'http',
  HTTP2: 'http2',
  GRPC: 'http2',
  'GRPC-WEB': 'http2',
}

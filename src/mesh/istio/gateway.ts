import type { Gateway } from '../../api/index.ts'
import type { Finding, ObjectKey, ServerTls, TlsVersion } from '../model/index.ts'
import { byAge, keyOf } from './object-key.ts'
import { readSpec } from './read-spec.ts'
import { type GatewayServerSpec, gatewaySpec } from './supported-gateway.ts'

/** One port of a Gateway and the hosts it serves. */
export interface GatewayServer {
  readonly gateway: ObjectKey
  readonly port: number
  readonly portName: string
  readonly protocol: 'http' | 'https' | 'tcp'
  readonly hosts: readonly ServerHost[]
  /** Every request is sent to HTTPS. */
  readonly redirectsToTls: boolean
  /** Absent where it does not speak TLS. */
  readonly tls?: ServerTls
  /** Of the server, for messages: `spec.servers[0]`. */
  readonly path: string
}

export interface ServerHost {
  readonly pattern: string
  /** Only VirtualServices of this namespace; all when absent. */
  readonly namespace?: string
}

export interface GatewayRules {
  readonly key: ObjectKey
  readonly selector: Readonly<Record<string, string>>
  readonly servers: readonly GatewayServer[]
}

/** Oldest first. */
export function readGateways(objects: readonly Gateway[]): {
  readonly gateways: readonly GatewayRules[]
  readonly findings: readonly Finding[]
} {
  const gateways: GatewayRules[] = []
  const findings: Finding[] = []
  for (const object of objects.toSorted(byAge)) {
    const read = readSpec(gatewaySpec, object.spec)
    const key = keyOf(object)
    if (!read.ok) {
      findings.push({ object: key, reason: 'Invalid', message: read.error })
      continue
    }
    const servers = read.value.servers.map((server, index) => readServer(server, key, `spec.servers[${index}]`))
    gateways.push({ key, selector: read.value.selector, servers })
  }
  return { gateways, findings }
}

function readServer({ port, hosts, tls }: GatewayServerSpec, gateway: ObjectKey, path: string): GatewayServer {
  const readTls = tls === undefined ? undefined : readServerTls(tls)
  return {
    gateway,
    port: port.number,
    portName: port.name,
    protocol: readTls === undefined ? protocols[port.protocol] : 'https',
    hosts: hosts.map((host) => readServerHost(host, gateway.namespace)),
    redirectsToTls: tls?.httpsRedirect === true,
    ...(readTls === undefined ? {} : { tls: readTls }),
    path,
  }
}

const protocols = { HTTP: 'http', HTTP2: 'http', GRPC: 'http', HTTPS: 'https', TCP: 'tcp' } as const

function readServerTls({
  mode,
  credentialName,
  ...said
}: NonNullable<GatewayServerSpec['tls']>): ServerTls | undefined {
  if (mode === undefined || credentialName === undefined) return undefined
  return {
    credential: credentialName,
    clientCertificates: clientCertificates[mode],
    subjectAltNames: said.subjectAltNames,
    minimumVersion: versions[said.minProtocolVersion] ?? '1.2',
    maximumVersion: versions[said.maxProtocolVersion] ?? '1.3',
    cipherSuites: said.cipherSuites,
  }
}

const clientCertificates = { SIMPLE: 'ignored', MUTUAL: 'required', OPTIONAL_MUTUAL: 'optional' } as const

const versions: Readonly<Partial<Record<string, TlsVersion>>> = {
  TLSV1_0: '1.0',
  TLSV1_1: '1.1',
  TLSV1_2: '1.2',
  TLSV1_3: '1.3',
}

/** `host`, `namespace/host`, `./host` (the Gateway's namespace) or `*` + `/host` (any). */
function readServerHost(host: string, ownNamespace: string): ServerHost {
  const [left, right] = host.split('/')
  if (right === undefined) return { pattern: host }
  if (left === '*' || left === undefined) return { pattern: right }
  return { pattern: right, namespace: left === '.' ? ownNamespace : left }
}

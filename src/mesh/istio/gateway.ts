import type { Gateway } from '../../api/index.ts'
import type { Finding, ObjectKey } from '../model/index.ts'
import { byAge, keyOf } from './object-key.ts'
import { gatewaySpec, readSpec } from './supported.ts'
import { namespaceOf } from './workload.ts'

/** One port of a Gateway and the hosts it serves. */
export interface GatewayServer {
  readonly gateway: ObjectKey
  readonly port: number
  readonly hosts: readonly ServerHost[]
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
    const servers = read.value.servers.map(({ port, hosts }) => ({
      gateway: key,
      port: port.number,
      hosts: hosts.map((host) => readServerHost(host, namespaceOf(object))),
    }))
    gateways.push({ key, selector: read.value.selector, servers })
  }
  return { gateways, findings }
}

/** `host`, `namespace/host`, `./host` (the Gateway's namespace) or `*` + `/host` (any). */
function readServerHost(host: string, ownNamespace: string): ServerHost {
  const [left, right] = host.split('/')
  if (right === undefined) return { pattern: host }
  if (left === '*' || left === undefined) return { pattern: right }
  return { pattern: right, namespace: left === '.' ? ownNamespace : left }
}

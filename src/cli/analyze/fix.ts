import { isRecord } from '../../base/index.ts'
import { checkObject, type Fix } from '../../mesh/istio/index.ts'

type Fields = Readonly<Record<string, unknown>>

const networkingKinds = new Set([
  'VirtualService',
  'DestinationRule',
  'Gateway',
  'Sidecar',
  'ServiceEntry',
  'WorkloadEntry',
])
const securityKinds = new Set(['PeerAuthentication', 'AuthorizationPolicy', 'RequestAuthentication'])

/**
 * Corrects what has one plausible meaning: words that differ from the right ones in case, dashes and underscores only,
 * numbers in quotes, text without them and one value in place of a list; an object without apiVersion gets that of the first of its group, the host
 * of a Gateway's port moves into the hosts of its server, and routes whose hosts a Gateway serves by name are bound to it.
 */
export function fixObjects(objects: readonly unknown[]): readonly unknown[] {
  const apiVersion = objects
    .flatMap((object) => (isRecord(object) && typeof object.apiVersion === 'string' ? [object.apiVersion] : []))
    .find((version) => version.startsWith('networking.istio.io/'))
  const fixed = objects.map((object) =>
    fixWords(fixServers(fixVersion(object, apiVersion ?? 'networking.istio.io/v1'))),
  )
  const gateways = fixed.filter(isRecord).filter(({ kind }) => kind === 'Gateway')
  return fixed.map((object) => bindToGateway(object, gateways))
}

function fixVersion(object: unknown, apiVersion: string): unknown {
  if (!isRecord(object) || object.apiVersion !== undefined) return object
  if (typeof object.kind !== 'string') return object
  if (securityKinds.has(object.kind)) return { apiVersion: 'security.istio.io/v1', ...object }
  if (object.kind === 'Telemetry') return { apiVersion: 'telemetry.istio.io/v1', ...object }
  return networkingKinds.has(object.kind) ? { apiVersion, ...object } : object
}

/** A field that is right now may show what is wrong below it. */
function fixWords(object: unknown, tries = 5): unknown {
  const found = checkObject(object).flatMap(({ path, fix }) => (fix === undefined ? [] : [{ path, fix }]))
  if (found.length === 0 || tries === 0) return object
  return fixWords(
    found.reduce((whole, { path, fix }) => applyFix(whole, path, fix), object),
    tries - 1,
  )
}

type Path = readonly (string | number)[]

function applyFix(value: unknown, [step, ...rest]: Path, fix: Fix): unknown {
  if (step === undefined) return fix.kind === 'replace' ? fix.value : value
  const isLast = rest.length === 0
  if (Array.isArray(value)) return value.map((each, at) => (at === step ? applyFix(each, rest, fix) : each))
  if (!isRecord(value)) return value
  const renamed = (name: string) =>
    isLast && fix.kind === 'rename' && name === step && !(fix.to in value) ? fix.to : name
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      renamed(name),
      name === String(step) ? applyFix(inner, rest, fix) : inner,
    ]),
  )
}

function fixServers(object: unknown): unknown {
  if (!isRecord(object) || object.kind !== 'Gateway' || !isRecord(object.spec)) return object
  const { servers } = object.spec
  if (!Array.isArray(servers)) return object
  return { ...object, spec: { ...object.spec, servers: servers.map(fixServer) } }
}

function fixServer(server: unknown): unknown {
  if (!isRecord(server) || !isRecord(server.port) || typeof server.port.host !== 'string') return server
  const { host, ...port } = server.port
  return { ...server, port, hosts: [...(Array.isArray(server.hosts) ? server.hosts : []), host] }
}

function bindToGateway(object: unknown, gateways: readonly Fields[]): unknown {
  if (!isRecord(object) || object.kind !== 'VirtualService' || !isRecord(object.spec)) return object
  const { hosts, gateways: bound } = object.spec
  if (bound !== undefined || !Array.isArray(hosts)) return object
  const serving = gateways.find((gateway) => hosts.every((host) => hostsOf(gateway).includes(host)))
  const name = serving === undefined ? undefined : nameFor(serving, object)
  return name === undefined ? object : { ...object, spec: { ...object.spec, gateways: [name] } }
}

const hostsOf = ({ spec }: Fields): readonly unknown[] =>
  isRecord(spec) && Array.isArray(spec.servers)
    ? spec.servers.flatMap((server: unknown) => (isRecord(server) && Array.isArray(server.hosts) ? server.hosts : []))
    : []

/** A Gateway of another namespace is named with it. */
function nameFor(gateway: Fields, routes: Fields): string | undefined {
  const { name, namespace } = isRecord(gateway.metadata) ? gateway.metadata : {}
  const own = isRecord(routes.metadata) ? routes.metadata.namespace : undefined
  if (typeof name !== 'string') return undefined
  return namespace === own || typeof namespace !== 'string' ? name : `${namespace}/${name}`
}

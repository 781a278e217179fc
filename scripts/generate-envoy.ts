/**
 * Writes TypeScript definitions of Envoy's messages to src/mesh/envoy/generated: the transitive closure of `entryPoints`
 * from the .proto files of npm's @grpc/grpc-js-xds, and from src/mesh/envoy/proto what that package lacks.
 * `npm run prepare` runs it; it does nothing when the result is up to date.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const target = join(root, 'src/mesh/envoy/generated')
const stamp = '.content-hash'
const modules = join(root, 'node_modules')
const packaged = join(modules, '@grpc/grpc-js-xds/deps')
const tools = { buf: join(modules, '.bin/buf'), plugin: join(modules, '.bin/protoc-gen-es') }
const sources = [
  join(root, 'src/mesh/envoy/proto'),
  ...['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((folder) => join(packaged, folder)),
]

const entryPoints = [
  'config/bootstrap/v3/bootstrap',
  'config/cluster/v3/cluster',
  'config/endpoint/v3/endpoint',
  'config/listener/v3/listener',
  'config/route/v3/route',
  'config/trace/v3/opentelemetry',
  'config/trace/v3/zipkin',
  'extensions/access_loggers/filters/cel/v3/cel',
  'extensions/access_loggers/stats/v3/stats',
  'extensions/access_loggers/stream/v3/stream',
  'extensions/clusters/dynamic_forward_proxy/v3/cluster',
  'extensions/filters/http/cors/v3/cors',
  'extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy',
  'extensions/filters/http/credential_injector/v3/credential_injector',
  'extensions/filters/http/fault/v3/fault',
  'extensions/filters/http/header_mutation/v3/header_mutation',
  'extensions/filters/http/health_check/v3/health_check',
  'extensions/filters/http/header_to_metadata/v3/header_to_metadata',
  'extensions/filters/http/jwt_authn/v3/config',
  'extensions/filters/http/rbac/v3/rbac',
  'extensions/filters/http/router/v3/router',
  'extensions/filters/http/upstream_codec/v3/upstream_codec',
  'extensions/filters/listener/original_dst/v3/original_dst',
  'extensions/filters/listener/tls_inspector/v3/tls_inspector',
  'extensions/filters/listener/http_inspector/v3/http_inspector',
  'extensions/filters/network/http_connection_manager/v3/http_connection_manager',
  'extensions/filters/network/rbac/v3/rbac',
  'extensions/filters/network/tcp_proxy/v3/tcp_proxy',
  'extensions/http/injected_credentials/generic/v3/generic',
  'extensions/matching/actions/transform_stat/v3/transform_stat',
  'extensions/matching/common_inputs/stats/v3/stats',
  'extensions/request_id/uuid/v3/uuid',
  'extensions/resource_monitors/downstream_connections/v3/downstream_connections',
  'extensions/retry/host/previous_hosts/v3/previous_hosts',
  'extensions/retry/priority/previous_priorities/v3/previous_priorities_config',
  'extensions/transport_sockets/raw_buffer/v3/raw_buffer',
  'extensions/transport_sockets/tls/v3/tls',
  'extensions/upstreams/http/v3/http_protocol_options',
  'service/discovery/v3/discovery',
].map((path) => `envoy/${path}.proto`)

/** Annotations for Envoy's own build: they would only pull more files in. */
const excludedTypes = ['validate.**', 'udpa.annotations.**', 'xds.annotations.**', 'envoy.annotations.**']

const template = {
  version: 'v2',
  // One run for all folders: a run for each takes fifteen times as long.
  plugins: [{ local: tools.plugin, out: '.', strategy: 'all', opt: ['target=js+dts', 'import_extension=js'] }],
}

function main(): void {
  const missing = [tools.buf, tools.plugin, packaged].filter((path) => !existsSync(path))
  if (missing.length > 0) {
    const state = existsSync(target) ? 'the generated definitions are left as they are' : 'the mesh will not start'
    console.log(`generate-envoy: skipped, development dependencies are absent (${state}; npm install adds them)`)
    return
  }
  const protos = readClosure()
  const hash = hashOf(protos)
  if (hashAt(target) === hash) return
  const work = mkdtempSync(join(tmpdir(), 'generate-envoy-'))
  try {
    const result = generate(protos, work, hash)
    replaceTarget(result, hash)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Text of each file by its import path. */
function readClosure(): ReadonlyMap<string, string> {
  const protos = new Map<string, string>()
  const open = [...entryPoints]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (protos.has(path) || path.startsWith('google/protobuf/')) continue
    const text = readProto(path)
    protos.set(path, text)
    for (const [, imported] of text.matchAll(/^import\s+(?:public\s+)?"([^"]+)"/gm)) if (imported) open.push(imported)
  }
  return new Map([...protos].sort(([left], [right]) => (left < right ? -1 : 1)))
}

function readProto(path: string): string {
  const source = sources.find((folder) => existsSync(join(folder, path)))
  if (source === undefined) throw new Error(`generate-envoy: no ${path} in ${sources.join(', ')}`)
  // The packaged validate.proto is older than its users and lacks this rule; rules are excluded anyway.
  return readFileSync(join(source, path), 'utf8').replaceAll(' ignore_empty: true', '')
}

function hashOf(protos: ReadonlyMap<string, string>): string {
  const plugin = readFileSync(join(modules, '@bufbuild/protoc-gen-es/package.json'), 'utf8')
  const input = [plugin, readFileSync(import.meta.filename, 'utf8'), ...[...protos].flat()]
  return createHash('sha256').update(JSON.stringify(input)).digest('hex')
}

function hashAt(folder: string): string | undefined {
  const path = join(folder, stamp)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

/** Returns the folder with the whole result. */
function generate(protos: ReadonlyMap<string, string>, work: string, hash: string): string {
  for (const [path, text] of protos) {
    const copy = join(work, 'proto', path)
    mkdirSync(dirname(copy), { recursive: true })
    writeFileSync(copy, text)
  }
  const [image, output] = [join(work, 'image.binpb'), join(work, 'output')]
  execFileSync(tools.buf, ['build', join(work, 'proto'), '--exclude-source-info', '-o', image])
  const excluded = excludedTypes.flatMap((type) => ['--exclude-type', type])
  execFileSync(tools.buf, ['generate', image, '--template', JSON.stringify(template), '-o', output, ...excluded])
  writeFileSync(join(output, stamp), hash)
  return output
}

/** Two runs at once both end with a whole folder: each moves complete folders only. */
function replaceTarget(result: string, hash: string): void {
  mkdirSync(dirname(target), { recursive: true })
  const staging = mkdtempSync(`${target}.`)
  const [fresh, old] = [join(staging, 'new'), join(staging, 'old')]
  try {
    cpSync(result, fresh, { recursive: true })
    if (existsSync(target)) renameSync(target, old)
    renameSync(fresh, target)
  } catch (error) {
    if (hashAt(target) !== hash) throw error
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

main()

import { type ASTNode, parse } from '@marcbachmann/cel-js'
import { z } from 'zod'
import { regexProblem } from './supported-values.ts'

/** CEL that Envoy can evaluate: it refuses a whole listener for an expression that it cannot. */
export const celExpression = celText((ast) => ast)

/** The same, whose value becomes a text. */
export const celValue = celText(withoutConversion)

function celText(meant: (ast: ASTNode) => ASTNode) {
  return z
    .string()
    .trim()
    .refine((expression) => celProblem(expression, meant) === undefined, {
      error: ({ input }) => `must be CEL over Envoy's attributes: ${celProblem(String(input).trim(), meant)}`,
    })
}

/** Envoy does not convert to text, but it prints every value: the conversion of the whole is left out. */
export function readCelValue(expression: string): string {
  const { start, end } = withoutConversion(parse(expression).ast)
  return expression.slice(start, end)
}

function withoutConversion(ast: ASTNode): ASTNode {
  if (ast.op !== 'call') return ast
  const [name, [only, ...others]] = ast.args
  return name === 'string' && only !== undefined && others.length === 0 ? only : ast
}

function celProblem(expression: string, meant: (ast: ASTNode) => ASTNode): string | undefined {
  try {
    return problemIn(meant(parse(expression).ast))
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : 'it cannot be read'
  }
}

const problemIn = (node: ASTNode): string | undefined =>
  ownProblem(node) ??
  childrenOf(node.args)
    .map(problemIn)
    .find((problem) => problem !== undefined)

function childrenOf(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf)
  return isNode(args) ? [args] : []
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value

function ownProblem(node: ASTNode): string | undefined {
  if (node.op === 'id') return attributeProblem(node.args)
  if (node.op === '.') return fieldProblem(node.args[0], node.args[1])
  if (node.op === 'call') return hasProblem(node) ?? callProblem(functions, node.args[0], node.args[1])
  if (node.op === 'rcall') return callProblem(methods, node.args[0], node.args[2]) ?? patternProblem(node)
  if (node.op === '+' && node.args.some(isText)) return 'proxies do not join texts'
  return undefined
}

type Calls = Readonly<Partial<Record<string, readonly number[]>>>

function callProblem(known: Calls, name: string, args: readonly ASTNode[]): string | undefined {
  const counts = Object.hasOwn(known, name) ? known[name] : undefined
  if (counts === undefined) return `proxies have no function ${name}`
  return counts.includes(args.length) ? undefined : `${name} takes ${counts.join(' or ')} arguments, not ${args.length}`
}

function hasProblem({ args: [name, [only]] }: Extract<ASTNode, { readonly op: 'call' }>): string | undefined {
  return name !== 'has' || only === undefined || only.op === '.'
    ? undefined
    : 'has() asks for a field, as in has(request.id)'
}

/** Of `matches`, where it is written down. */
function patternProblem({ args: [name, , [pattern]] }: Extract<ASTNode, { readonly op: 'rcall' }>): string | undefined {
  const isPattern = name === 'matches' && pattern?.op === 'value' && typeof pattern.args === 'string'
  return isPattern ? regexProblem(pattern.args) : undefined
}

const isText = (node: ASTNode): boolean => node.op === 'value' && typeof node.args === 'string'

const attributeProblem = (name: string): string | undefined =>
  Object.hasOwn(attributes, name) ? undefined : `there is no ${name} (there are ${Object.keys(attributes).join(', ')})`

function fieldProblem(of: ASTNode, field: string): string | undefined {
  const fields = of.op === 'id' ? attributes[of.args] : undefined
  if (of.op !== 'id' || fields === undefined || fields.includes(field)) return undefined
  return `there is no ${of.args}.${field} (${of.args} has ${fields.join(', ')})`
}

const peer = [
  ...['tls_version', 'subject_local_certificate', 'subject_peer_certificate', 'dns_san_local_certificate'],
  ...['dns_san_peer_certificate', 'uri_san_local_certificate', 'uri_san_peer_certificate'],
  ...['sha256_peer_certificate_digest', 'transport_failure_reason'],
]

/** Those of Envoy; what follows the others are keys that anybody may choose. */
const attributes: Readonly<Record<string, readonly string[] | undefined>> = {
  request: [
    ...['path', 'url_path', 'host', 'scheme', 'method', 'headers', 'referer', 'useragent', 'time', 'id', 'protocol'],
    ...['query', 'duration', 'size', 'total_size'],
  ],
  response: [
    ...['code', 'code_details', 'flags', 'grpc_status', 'headers', 'trailers', 'size', 'total_size', 'backend_latency'],
  ],
  connection: ['id', 'mtls', 'requested_server_name', 'termination_details', ...peer],
  upstream: ['address', 'port', 'local_address', 'request_attempt_count', 'cx_pool_ready_duration', ...peer],
  source: ['address', 'port'],
  destination: ['address', 'port'],
  metadata: undefined,
  filter_state: undefined,
  xds: [
    ...['node', 'cluster_name', 'cluster_metadata', 'listener_direction', 'listener_metadata', 'route_name'],
    ...['route_metadata', 'upstream_host_metadata', 'filter_chain_name'],
  ],
}

/** With the numbers of their arguments. Envoy leaves out loops and conversions to text. */
const functions: Calls = {
  ...{ has: [1], size: [1], bool: [1], bytes: [1], int: [1], uint: [1], double: [1], dyn: [1] },
  ...{ duration: [1], timestamp: [1] },
}

const methods: Calls = {
  ...{ contains: [1], startsWith: [1], endsWith: [1], matches: [1], size: [0] },
  ...{ getFullYear: [0, 1], getMonth: [0, 1], getDate: [0, 1], getDayOfMonth: [0, 1], getDayOfWeek: [0, 1] },
  ...{ getHours: [0, 1], getMinutes: [0, 1], getSeconds: [0, 1], getMilliseconds: [0, 1] },
}

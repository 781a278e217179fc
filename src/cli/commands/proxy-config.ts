import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import type { ProxyConfiguration } from '../../mesh/control-plane/index.ts'
import { type MeshDoorOptions, readConfiguration } from '../mesh-door.ts'
import { processOutput, renderTable } from '../output.ts'

export interface ProxyConfigOptions extends MeshDoorOptions {
  readonly output: 'table' | 'json'
}

export type ConfigKind = 'clusters' | 'listeners' | 'routes' | 'endpoints' | 'secrets'

const typeOf = {
  clusters: 'cluster',
  listeners: 'listener',
  routes: 'routes',
  endpoints: 'endpoints',
  secrets: 'secret',
} as const satisfies Record<ConfigKind, keyof ProxyConfiguration>

/** What the pod's proxy is to have of one kind, as the control plane has it. */
export async function showProxyConfig(kind: ConfigKind, pod: string, options: ProxyConfigOptions): Promise<void> {
  const resources = (await readConfiguration(pod, options))[typeOf[kind]]
  if (options.output === 'json') return processOutput.out(JSON.stringify(resources, null, 2))
  const { heads, rowsOf } = tables[kind]
  const rows = resources.flatMap(rowsOf)
  if (rows.length === 0) return processOutput.err(`The proxy of ${options.namespace}/${pod} has no ${kind}.`)
  processOutput.out(renderTable(heads, rows))
}

interface Table {
  readonly heads: readonly string[]
  readonly rowsOf: (resource: unknown) => readonly (readonly string[])[]
}

/** Each reads what it shows of Envoy's JSON, and nothing else. */
const table = <T>(
  heads: readonly string[],
  schema: z.ZodType<T>,
  rowsOf: (value: T) => readonly (readonly string[])[],
): Table => ({
  heads,
  rowsOf: (resource) => rowsOf(schema.parse(resource)),
})

const socketSchema = z
  .object({ socketAddress: z.object({ address: z.string(), portValue: z.number().default(0) }) })
  .transform(({ socketAddress: { address, portValue } }) => `${address}:${portValue}`)

const clusters = table(
  ['SERVICE', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE'],
  z.object({
    name: z.string(),
    type: z.string().default('STATIC'),
    clusterType: z.object({ name: z.string() }).optional(),
  }),
  ({ name, type, clusterType }) => {
    const [direction = '', port = '', subset = '', host = ''] = name.split('|')
    const kind = clusterType?.name ?? type
    return name.includes('|') ? [[host || '-', port, subset || '-', direction, kind]] : [[name, '-', '-', '-', kind]]
  },
)

const routeConfigNameIn = (value: unknown): readonly string[] =>
  [...JSON.stringify(value).matchAll(/"routeConfigName":"([^"]*)"/g)].flatMap(([, name]) =>
    name ? [`route ${name}`] : [],
  )
const clusterIn = (value: unknown): readonly string[] =>
  [...JSON.stringify(value).matchAll(/"cluster":"([^"]*)"/g)].flatMap(([, name]) => (name ? [`cluster ${name}`] : []))

const listeners = table(
  ['LISTENER', 'ADDRESS', 'LEADS TO'],
  z.object({
    name: z.string(),
    address: socketSchema.optional(),
    filterChains: z.array(z.unknown()).default([]),
    apiListener: z.unknown().optional(),
  }),
  ({ name, address = '-', filterChains, apiListener }) => {
    const content = [filterChains, apiListener ?? {}]
    const named = routeConfigNameIn(content)
    return [[name, address, [...new Set(named.length > 0 ? named : clusterIn(content))].join(', ') || '-']]
  },
)

const routeSchema = z.object({
  name: z.string().default(''),
  match: z.looseObject({
    prefix: z.string().optional(),
    path: z.string().optional(),
    safeRegex: z.object({ regex: z.string().default('') }).optional(),
    headers: z.array(z.looseObject({ name: z.string() })).default([]),
  }),
  route: z
    .looseObject({
      cluster: z.string().optional(),
      weightedClusters: z
        .object({ clusters: z.array(z.object({ name: z.string(), weight: z.number().default(0) })) })
        .optional(),
      requestMirrorPolicies: z.array(z.object({ cluster: z.string() })).default([]),
    })
    .optional(),
  directResponse: z.looseObject({ status: z.number() }).optional(),
})

const matchText = ({ match: { prefix, path, safeRegex, headers } }: z.infer<typeof routeSchema>): string => {
  const paths = [prefix && `${prefix}*`, path, safeRegex && `~${safeRegex.regex}`]
  return [...paths.filter((each) => each !== undefined), ...headers.map(({ name }) => `header ${name}`)].join(' ')
}

function destinationText({ route, directResponse }: z.infer<typeof routeSchema>): string {
  if (route === undefined) return directResponse === undefined ? 'redirect' : `answer ${directResponse.status}`
  const shares = route.weightedClusters?.clusters.map(({ name, weight }) => `${name} ${weight}`) ?? [
    route.cluster ?? '-',
  ]
  return [...shares, ...route.requestMirrorPolicies.map(({ cluster }) => `mirror ${cluster}`)].join(', ')
}

const routes = table(
  ['TABLE', 'VIRTUAL HOST', 'ROUTE', 'MATCH', 'LEADS TO'],
  z.object({
    name: z.string(),
    virtualHosts: z.array(z.object({ name: z.string(), routes: z.array(routeSchema).default([]) })).default([]),
  }),
  ({ name, virtualHosts }) =>
    virtualHosts.flatMap((host) =>
      host.routes.map((route) => [name, host.name, route.name || '-', matchText(route), destinationText(route)]),
    ),
)

const endpoints = table(
  ['ENDPOINT', 'WEIGHT', 'PRIORITY', 'CLUSTER'],
  z.object({
    clusterName: z.string(),
    endpoints: z
      .array(
        z.object({
          priority: z.number().default(0),
          lbEndpoints: z
            .array(
              z.object({ endpoint: z.object({ address: socketSchema }), loadBalancingWeight: z.number().default(1) }),
            )
            .default([]),
        }),
      )
      .default([]),
  }),
  ({ clusterName, endpoints: groups }) =>
    groups.flatMap(({ priority, lbEndpoints }) =>
      lbEndpoints.map(({ endpoint, loadBalancingWeight }) => [
        endpoint.address,
        `${loadBalancingWeight}`,
        `${priority}`,
        clusterName,
      ]),
    ),
)

const inlineSchema = z.object({ inlineString: z.string() })

const secrets = table(
  ['SECRET', 'TYPE', 'SERIAL', 'VALID UNTIL', 'NAMES'],
  z.object({
    name: z.string(),
    tlsCertificate: z.object({ certificateChain: inlineSchema }).optional(),
    validationContext: z.object({ trustedCa: inlineSchema }).optional(),
  }),
  ({ name, tlsCertificate, validationContext }) => {
    const pem = (tlsCertificate?.certificateChain ?? validationContext?.trustedCa)?.inlineString ?? ''
    const type = tlsCertificate === undefined ? 'roots' : 'certificate'
    const all = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    const shown = tlsCertificate === undefined ? all : all.slice(0, 1)
    return shown.map((text) => {
      const { serialNumber, validToDate, subjectAltName, subject } = new X509Certificate(text)
      return [name, type, serialNumber, validToDate.toISOString(), subjectAltName ?? subject.replaceAll('\n', ', ')]
    })
  },
)

const tables: Readonly<Record<ConfigKind, Table>> = { clusters, listeners, routes, endpoints, secrets }

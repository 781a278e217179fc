import { parse } from 'yaml'
import { z } from 'zod'
import { failure, parseDuration, type Result, success } from '../../base/index.ts'
import type { InterceptionRules } from './rules.ts'
import type { InjectionSettings } from './settings.ts'

export type Annotations = Readonly<Record<string, string>>

/** What a pod says of its own sidecar. */
export interface PodWishes {
  readonly image: string
  readonly concurrency: number
  /** How long programs wait before they are told to end; undefined where the pod does not say. */
  readonly drainSeconds: number | undefined
  readonly resources: InjectionSettings['resources']
  readonly rewriteProbes: boolean
  readonly rules: InterceptionRules
}

const prefix = { sidecar: 'sidecar.istio.io/', traffic: 'traffic.sidecar.istio.io/' }
const quantityPattern = /^[0-9]+(\.[0-9]+)?([eE][0-9]+|[numkMGTPE]|[KMGTPE]i)?$/
const range = z.union([z.ipv4(), z.cidrv4()])

type Read = <T>(result: Result<T>, otherwise: T) => T

/** Reads the annotations of one pod; the error names each that cannot be followed. */
export function readWishes(
  annotations: Annotations,
  settings: InjectionSettings,
): Result<PodWishes, readonly string[]> {
  const problems: string[] = []
  const read: Read = (result, otherwise) => {
    if (result.ok) return result.value
    problems.push(result.error)
    return otherwise
  }
  const config = read(readConfig(annotations), {})
  const wishes: PodWishes = {
    image: annotations[`${prefix.sidecar}proxyImage`] ?? settings.image,
    concurrency: config.concurrency ?? settings.concurrency,
    drainSeconds: read(readDrainSeconds(config), undefined),
    resources: read(readResources(annotations), undefined) ?? settings.resources,
    rewriteProbes: annotations[`${prefix.sidecar}rewriteAppHTTPProbers`] !== 'false',
    rules: readRules(annotations, read),
  }
  const mode = annotations[`${prefix.sidecar}interceptionMode`] ?? 'REDIRECT'
  if (mode !== 'REDIRECT') problems.push(`${prefix.sidecar}interceptionMode: this mesh knows REDIRECT only`)
  return problems.length === 0 ? success(wishes) : failure(problems)
}

function readRules(annotations: Annotations, read: Read): InterceptionRules {
  const ports = (name: string) => read(readPorts(annotations, `${prefix.traffic}${name}`), [])
  const included = `${prefix.traffic}includeOutboundIPRanges`
  return {
    excludeInboundPorts: read(readNoInbound(annotations), false) ? 'all' : ports('excludeInboundPorts'),
    excludeOutboundPorts: ports('excludeOutboundPorts'),
    excludeOutboundIPRanges: read(readRanges(annotations, `${prefix.traffic}excludeOutboundIPRanges`), []),
    includeOutboundIPRanges:
      (annotations[included] ?? '*').trim() === '*' ? 'all' : read(readRanges(annotations, included), []),
  }
}

/** Whether nothing that comes in is led through the proxy. */
function readNoInbound(annotations: Annotations): Result<boolean> {
  const name = `${prefix.traffic}includeInboundPorts`
  const ports = annotations[name] ?? '*'
  if (ports === '' || ports === '*') return success(ports === '')
  return failure(`${name}: must be "*" or empty; name those to leave out in excludeInboundPorts`)
}

const listOf = (text: string): readonly string[] => text.split(',').flatMap((each) => each.trim() || [])

function readPorts(annotations: Annotations, name: string): Result<readonly number[]> {
  const ports = listOf(annotations[name] ?? '').map(Number)
  const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535
  return ports.every(isPort) ? success(ports) : failure(`${name}: must be a list of ports such as 9090,9091`)
}

function readRanges(annotations: Annotations, name: string): Result<readonly string[]> {
  const ranges = listOf(annotations[name] ?? '')
  return ranges.every((each) => range.safeParse(each).success)
    ? success(ranges)
    : failure(`${name}: must be a list of CIDR blocks such as 10.0.0.0/8`)
}

const configName = 'proxy.istio.io/config'
const proxyConfig = z.looseObject({
  concurrency: z.int().min(0).optional(),
  terminationDrainDuration: z.string().optional(),
})
type ProxyConfig = z.output<typeof proxyConfig>

function readConfig(annotations: Annotations): Result<ProxyConfig> {
  const text = annotations[configName]
  if (text === undefined) return success({})
  const problem = `${configName}: must be YAML such as "concurrency: 4" or "terminationDrainDuration: 10s"`
  try {
    const read = proxyConfig.safeParse(parse(text) ?? {})
    return read.success ? success(read.data) : failure(problem)
  } catch {
    return failure(problem)
  }
}

function readDrainSeconds({ terminationDrainDuration: text }: ProxyConfig): Result<number | undefined> {
  if (text === undefined) return success(undefined)
  const duration = parseDuration(text)
  // Kubernetes waits for whole seconds.
  return duration.ok
    ? success(Math.ceil(duration.value / 1_000))
    : failure(`${configName}: terminationDrainDuration: ${duration.error}`)
}

const resourceAnnotations = [
  ['requests', 'cpu', 'proxyCPU'],
  ['requests', 'memory', 'proxyMemory'],
  ['limits', 'cpu', 'proxyCPULimit'],
  ['limits', 'memory', 'proxyMemoryLimit'],
] as const

/** With one of them none of the mesh's own counts, as in Istio. */
function readResources(annotations: Annotations): Result<InjectionSettings['resources'] | undefined> {
  const given = resourceAnnotations.flatMap(([part, kind, name]) => {
    const value = annotations[`${prefix.sidecar}${name}`]
    return value === undefined ? [] : [{ part, kind, name, value }]
  })
  const wrong = given.find(({ value }) => !quantityPattern.test(value))
  if (wrong) return failure(`${prefix.sidecar}${wrong.name}: must be a quantity such as 200m or 128Mi`)
  if (given.length === 0) return success(undefined)
  const of = (part: 'requests' | 'limits') => {
    const found = given.filter((each) => each.part === part)
    return found.length === 0 ? {} : { [part]: Object.fromEntries(found.map(({ kind, value }) => [kind, value])) }
  }
  return success({ ...of('requests'), ...of('limits') })
}

import type { Pod, Telemetry } from '../../api/index.ts'
import { findOrMake, keepLast, remember } from '../../base/index.ts'
import {
  type Finding,
  type ObjectKey,
  type ProxyTelemetry,
  rootNamespace,
  type TelemetryDefaults,
} from '../model/index.ts'
import { byAge, keyOf } from './object-key.ts'
import { readSpec } from './read-spec.ts'
import { hasLabels } from './supported-security.ts'
import { type TelemetrySpec, telemetrySpec } from './supported-telemetry.ts'
import { mergeTelemetry } from './telemetry-merge.ts'
import { labelsContain, namespaceOf } from './workload.ts'

/** What proxies tell, where it is not what all of them tell. */
export interface Telemetries {
  /** Undefined where nothing is said of the pod; pods of which the same is said share one. */
  of(pod: Pod): ProxyTelemetry | undefined
  readonly findings: readonly Finding[]
}

export function createTelemetryReader(defaults: TelemetryDefaults): (objects: readonly Telemetry[]) => Telemetries {
  const keep = keepLast<Telemetries>()
  return (objects) => keep([objects], () => readTelemetries(objects, defaults))
}

interface Rule {
  readonly key: ObjectKey
  readonly spec: TelemetrySpec
}

/** For the whole mesh, for a namespace, for workloads of it: what is later in this order counts first. */
function readTelemetries(objects: readonly Telemetry[], defaults: TelemetryDefaults): Telemetries {
  const rules: Rule[] = []
  const findings: Finding[] = []
  for (const object of objects.toSorted(byAge)) {
    const [key, read] = [keyOf(object), readSpec(telemetrySpec, object.spec)]
    if (read.ok) rules.push({ key, spec: read.value })
    else findings.push({ object: key, reason: 'Invalid', message: read.error })
  }
  const levelsOf = createLevels(rules)
  const known = new Map<string, ProxyTelemetry>()
  return {
    findings: [...findings, ...rules.flatMap((rule) => missingProviders(rule, rules, defaults))],
    of: remember((pod) => {
      const levels = levelsOf(pod)
      if (levels.length === 0) return undefined
      const name = levels.map(({ key }) => `${key.namespace}/${key.name}`).join()
      return findOrMake(known, name, () => merge(levels, defaults))
    }),
  }
}

const isWide = ({ spec }: Rule): boolean => !hasLabels(spec.selector)

/** Of several for a whole namespace the oldest counts; of those for workloads the younger ones before the older. */
function createLevels(rules: readonly Rule[]): (pod: Pod) => readonly Rule[] {
  const byNamespace = Map.groupBy(rules, ({ key }) => key.namespace)
  const wideOf = (namespace: string) => byNamespace.get(namespace)?.find(isWide) ?? []
  return (pod) => {
    const namespace = namespaceOf(pod)
    const ofWorkloads = (byNamespace.get(namespace) ?? []).filter(
      (rule) => !isWide(rule) && labelsContain(pod.metadata.labels, rule.spec.selector?.matchLabels ?? {}),
    )
    return [wideOf(rootNamespace), namespace === rootNamespace ? [] : wideOf(namespace), ofWorkloads].flat()
  }
}

function merge(levels: readonly Rule[], defaults: TelemetryDefaults): ProxyTelemetry {
  const specs = levels.map(({ spec }) => spec)
  return {
    origins: levels.map(({ key }) => key),
    client: mergeTelemetry(specs, 'CLIENT', defaults),
    server: mergeTelemetry(specs, 'SERVER', defaults),
  }
}

/** What is said to nobody: the rest of the object is in force. */
function missingProviders(rule: Rule, rules: readonly Rule[], defaults: TelemetryDefaults): readonly Finding[] {
  const messages = [...missingCollectors(rule.spec, defaults), ...missingLogs(rule, rules, defaults)]
  return messages.length === 0 ? [] : [{ object: rule.key, reason: 'ProviderNotFound', message: messages.join('; ') }]
}

function missingCollectors({ tracing }: TelemetrySpec, { tracingProvider }: TelemetryDefaults): readonly string[] {
  return tracing.flatMap(({ providers: [provider], disableSpanReporting = false }, index) => {
    if (disableSpanReporting || (tracingProvider !== undefined && provider === undefined)) return []
    if (tracingProvider === undefined) {
      return [
        `spec.tracing[${index}]: proxies send no spans: start the mesh with --zipkin or --otlp (chart: mesh.tracing)`,
      ]
    }
    if (provider?.name === tracingProvider) return []
    const path = `spec.tracing[${index}].providers[0].name`
    return [
      `${path}: there is no ${provider?.name}, so that no span is sent: this mesh sends them to ${tracingProvider}`,
    ]
  })
}

/** Whatever is said for the mesh or the namespace may name the provider for those who do not. */
function missingLogs({ key, spec }: Rule, rules: readonly Rule[], { accessLog }: TelemetryDefaults): readonly string[] {
  const around = rules.filter((other) => isWide(other) && [rootNamespace, key.namespace].includes(other.key.namespace))
  const said = [...around.map((other) => other.spec), spec].flatMap(({ accessLogging }) => accessLogging)
  if (accessLog || said.some(({ providers }) => providers.length > 0)) return []
  const index = spec.accessLogging.findIndex(({ disabled }) => !disabled)
  if (index < 0) return []
  return [
    `spec.accessLogging[${index}]: names no provider, and proxies write no access log by themselves: write providers: [{ name: envoy }]`,
  ]
}

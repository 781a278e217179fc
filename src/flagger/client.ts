import {
  alertProviderKind,
  apiVersionOf,
  type Canary,
  type CanaryRun,
  type CanaryStatus,
  canaryKind,
  canaryRunKind,
  flaggerAlertProviderKind,
  flaggerCanaryKind,
  flaggerMetricTemplateKind,
  type KubernetesObject,
  type MetricTemplate,
  metricTemplateKind,
  type ResourceKind,
} from '../api/index.ts'
import type { KubeClient, ListOptions } from '../kube/index.ts'
import { fieldsOf } from './fields.ts'
import { convertTemplate } from './metric-template.ts'
import { convertSpec, unsupportedFields } from './spec.ts'
import { visibleStatus, wholeStatus } from './status.ts'

/** Where Flagger's group has a kind that stands for one of ours. */
const counterparts: ReadonlyMap<string, ResourceKind> = new Map<string, ResourceKind>([
  [keyOf(canaryKind), flaggerCanaryKind],
  [keyOf(metricTemplateKind), flaggerMetricTemplateKind],
  [keyOf(alertProviderKind), flaggerAlertProviderKind],
])

function keyOf({ group, plural }: ResourceKind): string {
  return `${group}/${plural}`
}

/**
 * The same API server, on which Flagger's objects are the Canaries, MetricTemplates and AlertProviders. They keep the
 * `apiVersion` of Flagger, so that owner references and events name what is really there.
 */
export function createFlaggerClient(client: KubeClient): KubeClient {
  const memory: Memory = { written: new Map(), runs: new Map() }
  const kindOf = <T extends KubernetesObject>(kind: ResourceKind<T>): ResourceKind<T> =>
    (counterparts.get(keyOf(kind)) as ResourceKind<T> | undefined) ?? kind
  const show = <T extends KubernetesObject>(kind: ResourceKind<T>, object: T): T => showAs(memory, kind, object) as T
  return {
    async get(kind, ref) {
      const object = await client.get(kindOf(kind), ref)
      return object && show(kind, object)
    },
    async list(kind, options) {
      if (keyOf(kind) === keyOf(canaryKind)) await recallRuns(client, memory, options)
      const { items, ...list } = await client.list(kindOf(kind), options)
      return { ...list, items: items.map((item) => show(kind, item)) }
    },
    async create(kind, object) {
      const created = await client.create(kind, object)
      if (keyOf(kind) === keyOf(canaryRunKind)) rememberRun(memory, created as KubernetesObject as CanaryRun)
      return created
    },
    async replace(kind, object, subresource) {
      if (keyOf(kind) !== keyOf(canaryKind) || subresource !== 'status') {
        return client.replace(kind, object, subresource)
      }
      return show(kind, await writeStatus(client, memory, object))
    },
    async patch(kind, ref, patch, options) {
      return show(kind, await client.patch(kindOf(kind), ref, patch, options))
    },
    apply: (kind, object, options) => client.apply(kind, object, options),
    delete: (kind, ref, options) => client.delete(kindOf(kind), ref, options),
    async *watch(kind, options, signal) {
      for await (const event of client.watch(kindOf(kind), options, signal)) {
        yield event.type === 'BOOKMARK' ? event : { ...event, object: show(kind, event.object) }
      }
    },
  }
}

/** What Flagger's CRD has no place for, by uid of the Canary. */
interface Memory {
  /** The last that were written: the watch may bring one before its answer, or an older one after it. */
  readonly written: Map<string, readonly CanaryStatus[]>
  readonly runs: Map<string, readonly CanaryRun[]>
}

function showAs(memory: Memory, kind: ResourceKind, object: KubernetesObject): KubernetesObject {
  // The parts that are read are checked by the parsers of our own kinds, as those of any object are.
  if (keyOf(kind) === keyOf(canaryKind)) return showCanary(memory, object as Canary)
  return keyOf(kind) === keyOf(metricTemplateKind) ? convertTemplate(object as MetricTemplate) : object
}

function showCanary({ written, runs }: Memory, canary: Canary): Canary {
  const { metadata } = canary
  const uid = metadata.uid ?? ''
  const flagger = fieldsOf(canary.spec)
  const unsupported = unsupportedFields(flagger)
  // A field that no Canary has makes the parser refuse it by name.
  const spec = { ...convertSpec(flagger), ...(unsupported.length === 0 ? {} : { unsupported }) }
  const status = wholeStatus(canary, written.get(uid) ?? [], runs.get(uid) ?? [])
  const { status: _, ...rest } = canary
  return { ...rest, spec, ...(status === undefined ? {} : { status }) } as unknown as Canary
}

/** Once for each list, which is once for each leader: a watch brings no Canary that has runs and was not in the list. */
async function recallRuns(client: KubeClient, memory: Memory, options: ListOptions | undefined): Promise<void> {
  const { namespace } = options ?? {}
  const { items } = await client.list(canaryRunKind, namespace === undefined ? {} : { namespace })
  memory.runs.clear()
  for (const run of items) rememberRun(memory, run)
}

function rememberRun({ runs }: Memory, run: CanaryRun): void {
  for (const { uid } of run.metadata.ownerReferences ?? []) runs.set(uid, [...(runs.get(uid) ?? []), run])
}

const STATUSES_KEPT = 4

/** By a patch that names the version it was decided on: nobody else's write is lost. */
async function writeStatus<T extends KubernetesObject>(client: KubeClient, memory: Memory, object: T): Promise<T> {
  const { namespace, name, uid = '', resourceVersion } = object.metadata
  const { status = {} } = object as unknown as Canary
  const patch = { metadata: { resourceVersion }, status: visibleStatus(status) }
  const options = { type: 'merge', subresource: 'status' } as const
  const former = memory.written.get(uid) ?? []
  memory.written.set(uid, [...former, status].slice(-STATUSES_KEPT))
  const result = await client.patch(flaggerCanaryKind, { namespace, name }, patch, options)
  return { ...result, apiVersion: apiVersionOf(flaggerCanaryKind) } as unknown as T
}

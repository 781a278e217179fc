import { apiVersionOf, type KubernetesObject, type ResourceKind } from '../api/index.ts'
import { isRecord } from '../base/index.ts'
import { KubeError, type ListOptions, type ObjectList } from './port.ts'
import { collectionPath } from './resource-path.ts'
import type { Transport } from './transport.ts'

const PAGE = 500
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

interface Page {
  readonly items: readonly unknown[]
  readonly resourceVersion: string
  readonly next: string | undefined
}

/** Lists in pages; when the pages expire half-way it takes the rest of the truth in one answer. */
export async function listAll<T extends KubernetesObject>(
  transport: Transport,
  kind: ResourceKind<T>,
  options: ListOptions,
): Promise<ObjectList<T>> {
  const items: unknown[] = []
  let page = await readPage(transport, kind, options, { limit: PAGE })
  items.push(...page.items)
  while (page.next !== undefined) {
    try {
      page = await readPage(transport, kind, options, { limit: PAGE, continue: page.next })
      items.push(...page.items)
    } catch (error) {
      if (!(error instanceof KubeError) || error.reason !== 'Expired') throw error
      page = await readPage(transport, kind, options, {})
      items.splice(0, items.length, ...page.items)
    }
  }
  return { items: items.map((item) => withKind(kind, item)), resourceVersion: page.resourceVersion }
}

async function readPage(
  transport: Transport,
  kind: ResourceKind,
  options: ListOptions,
  paging: { readonly limit?: number; readonly continue?: string },
): Promise<Page> {
  const { namespace, labelSelector, fieldSelector } = options
  const what = `list ${kind.plural}${namespace === undefined ? '' : ` of namespace ${namespace}`}`
  const query = { labelSelector, fieldSelector, ...paging }
  const path = collectionPath(kind, namespace)
  const accept = options.metadataOnly ? METADATA_LIST : undefined
  return parsePage(what, await transport.request({ what, method: 'GET', path, query, accept }))
}

function parsePage(what: string, answer: unknown): Page {
  const list = isRecord(answer) ? answer : {}
  const metadata = isRecord(list.metadata) ? list.metadata : {}
  // Go writes an empty list as null in places.
  const items = list.items ?? []
  if (!Array.isArray(items) || typeof metadata.resourceVersion !== 'string') {
    throw new KubeError(`${what}: the answer is not a list of Kubernetes objects`, {
      code: 0,
      reason: 'InvalidAnswer',
      retry: 'later',
    })
  }
  const next = metadata.continue
  return {
    items,
    resourceVersion: metadata.resourceVersion,
    next: typeof next === 'string' && next !== '' ? next : undefined,
  }
}

/** Items of a list do not say what they are: the list does. */
const withKind = <T extends KubernetesObject>(kind: ResourceKind<T>, item: unknown): T =>
  ({ ...(item as object), apiVersion: apiVersionOf(kind), kind: kind.kind }) as T

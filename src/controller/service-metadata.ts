import type { Canary, Service, ServiceMetadata } from '../api/index.ts'
import { marksOf } from '../traffic/index.ts'
import { readRecord, recordAnnotation, renderRecord, type ServiceRecord } from './service-record.ts'

type Pairs = Readonly<Record<string, string>>

export interface MetadataPlan {
  readonly labels: Pairs
  readonly annotations: Pairs
}

/** Without what is Sluice's own to say, and Flux's, which would take the object for its own. */
export function planMetadata(
  { labels = {}, annotations = {} }: ServiceMetadata = {},
  selectorKey: string,
): MetadataPlan {
  return {
    labels: filterKeys(labels, (key) => key !== selectorKey),
    annotations: filterKeys(annotations, (key) => !key.includes('toolkit.fluxcd.io') && !key.startsWith('sluice.dev/')),
  }
}

/** Labels and annotations of a Service of ours: those of others stay, and those that nobody asks for any more go. */
export function mergeMetadata(
  canary: Canary,
  plan: MetadataPlan,
  existing: Service,
  record: ServiceRecord,
): Service['metadata'] {
  const { labels, annotations, ...metadata } = existing.metadata
  const former = readRecord(existing)
  const { unmanagedMetadata } = canary.spec.service
  const mergedLabels = mergePairs(labels, plan.labels, former.labels, unmanagedMetadata?.labels)
  const { [recordAnnotation]: _, ...others } = mergePairs(
    annotations,
    plan.annotations,
    former.annotations,
    unmanagedMetadata?.annotations,
  )
  return {
    ...metadata,
    ...(labels === undefined && isEmpty(mergedLabels) ? {} : { labels: mergedLabels }),
    annotations: { ...others, ...renderRecord(record) },
  }
}

/** Of a Service that is made. */
export const createMetadata = (canary: Canary, plan: MetadataPlan, record: ServiceRecord): MetadataPlan => ({
  labels: plan.labels,
  annotations: { ...plan.annotations, ...marksOf(canary), ...renderRecord(record) },
})

function mergePairs(
  existing: Pairs = {},
  wanted: Pairs,
  former: readonly string[],
  unmanaged: readonly string[] = [],
): Pairs {
  const isOurs = (key: string) => !unmanaged.includes(key)
  const kept = filterKeys(existing, (key) => !(isOurs(key) && former.includes(key) && !Object.hasOwn(wanted, key)))
  return { ...kept, ...filterKeys(wanted, (key) => isOurs(key) || !Object.hasOwn(existing, key)) }
}

const filterKeys = (pairs: Pairs, isKept: (key: string) => boolean): Pairs =>
  Object.fromEntries(Object.entries(pairs).filter(([key]) => isKept(key)))

const isEmpty = (pairs: Pairs): boolean => Object.keys(pairs).length === 0

import { z } from 'zod'
import type { Service } from '../api/index.ts'
import { canonicalJson, parseJson } from '../base/index.ts'

/** On a Service of ours: what was set because its Canary asks for it. It goes when nobody asks for it any more. */
export const recordAnnotation = 'sluice.dev/service-fields'

const names = z.array(z.string()).default([])
const recordSchema = z.object({ labels: names, annotations: names, ports: names, fields: names })

/** Keys of labels and annotations, names of ports, and single fields. */
export type ServiceRecord = z.output<typeof recordSchema>

const nothing: ServiceRecord = { labels: [], annotations: [], ports: [], fields: [] }

/** Whatever others made of it counts as nothing: then nothing is taken away. */
export function readRecord(service: Service | undefined): ServiceRecord {
  const text = service?.metadata.annotations?.[recordAnnotation]
  return text === undefined ? nothing : (recordSchema.safeParse(parseJson(text)).data ?? nothing)
}

/** The annotation; none where nothing was asked for. */
export function renderRecord(record: ServiceRecord): Readonly<Record<string, string>> {
  const sorted = Object.entries(record).flatMap(([part, keys]) =>
    keys.length === 0 ? [] : [[part, [...keys].sort()] as const],
  )
  return sorted.length === 0 ? {} : { [recordAnnotation]: canonicalJson(Object.fromEntries(sorted)) }
}

/** For a Service that goes on without its Canary. */
export function withoutRecord(service: Service): Service {
  const { [recordAnnotation]: record, ...annotations } = service.metadata.annotations ?? {}
  return record === undefined ? service : { ...service, metadata: { ...service.metadata, annotations } }
}

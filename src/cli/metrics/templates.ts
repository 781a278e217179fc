import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parseAllDocuments } from 'yaml'
import {
  type Canary,
  clusterMetricTemplateKind,
  type MetricTemplate,
  metricTemplateKind,
  parseMetricTemplate,
} from '../../api/index.ts'
import { isRecord } from '../../base/index.ts'
import type { Templates } from '../../controller/index.ts'
import type { KubeClient, ObjectRef } from '../../kube/index.ts'
import { messageOf } from '../../runtime/index.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'

/** Every template that the Canary names and that exists. */
export async function readTemplates(client: KubeClient, { metadata, spec }: Canary): Promise<Templates> {
  const refs = (spec.analysis.metrics ?? []).flatMap(({ templateRef }) =>
    templateRef === undefined ? [] : [templateRef],
  )
  const found = new Map<string, MetricTemplate | undefined>()
  const keyOf = (kind: string, { namespace, name }: ObjectRef) => `${kind}/${namespace ?? ''}/${name}`
  for (const { kind = 'MetricTemplate', name, namespace = metadata.namespace } of refs) {
    const ref = kind === 'MetricTemplate' ? { namespace, name } : { name }
    const template = await client.get(kind === 'MetricTemplate' ? metricTemplateKind : clusterMetricTemplateKind, ref)
    found.set(keyOf(kind, ref), template)
  }
  return {
    templates: { get: (ref) => found.get(keyOf('MetricTemplate', ref)) },
    clusterTemplates: { get: (ref) => found.get(keyOf('ClusterMetricTemplate', ref)) },
  }
}

export interface TemplateSource {
  readonly name: string
  readonly namespace: string
  readonly clusterWide: boolean
}

/** A template of the cluster. */
export async function getTemplate(client: KubeClient, source: TemplateSource): Promise<MetricTemplate> {
  const { name, namespace, clusterWide } = source
  const kind = clusterWide ? clusterMetricTemplateKind : metricTemplateKind
  const template = await client.get(kind, clusterWide ? { name } : { namespace, name })
  if (template !== undefined) return template
  const shown = clusterWide ? name : `${namespace}/${name}`
  const hint = clusterWide ? 'leave --cluster-wide out' : 'add --cluster-wide'
  const message = `there is no ${kind.kind} ${shown}; ${hint} for one of the other kind, or read a file with -f`
  throw new CommandError(message, exitCodes.notFound)
}

/** The template of a YAML file, or the one of this name where it has several; `-` is standard input. */
export async function readTemplateFile(path: string, name: string | undefined): Promise<MetricTemplate> {
  const documents = parseAllDocuments(await readText(path)).map((document) => {
    const [broken] = document.errors
    if (broken !== undefined) throw new CommandError(`-f ${path}: ${broken.message}`, exitCodes.usage)
    return document.toJS() as unknown
  })
  const templates = documents.filter(isTemplate).map((document) => {
    const parsed = parseMetricTemplate(document)
    if (!parsed.ok) throw new CommandError(`-f ${path}: ${parsed.error}`, exitCodes.usage)
    return parsed.value
  })
  const names = templates.map(({ metadata }) => metadata.name)
  const chosen = templates.filter(({ metadata }) => name === undefined || metadata.name === name)
  if (chosen.length === 1 && chosen[0] !== undefined) return chosen[0]
  const has = names.length === 0 ? 'no MetricTemplate' : `the templates ${names.join(', ')}`
  const next = names.length > 1 && name === undefined ? ': name one' : ''
  throw new CommandError(`-f ${path} has ${has}${name === undefined ? next : `, not one ${name}`}`, exitCodes.usage)
}

const isTemplate = (document: unknown): boolean =>
  isRecord(document) && (document.kind === metricTemplateKind.kind || document.kind === clusterMetricTemplateKind.kind)

async function readText(path: string): Promise<string> {
  try {
    return path === '-' ? await text(process.stdin) : await readFile(path, 'utf8')
  } catch (error) {
    throw new CommandError(`-f ${path}: ${messageOf(error)}`, exitCodes.usage)
  }
}

import type { Canary, PodTemplate } from '../../api/index.ts'
import { revisionOf } from '../../canary/index.ts'
import { adopt } from '../../traffic/index.ts'
import { configKeyOf, configReferencesOf, type Rename, renameConfigs } from '../config/references.ts'
import type { TrackedConfigs } from '../config/tracker.ts'
import { relabelPlacement } from './placement.ts'
import { revisionAnnotation } from './primary.ts'
import { primaryLabel, type SelectorLabel, selectorLabelOf } from './selector-label.ts'
import { templateOf, type Workload } from './workload.ts'

/** Flagger's, on the pods of each primary: another one at each promotion. */
const FLAGGER_ID = 'flagger-id'
const SUFFIX = /-primary$/

/** Nobody wrote on it what it was copied from. */
export const isUnmarked = ({ metadata }: Workload): boolean => metadata.annotations?.[revisionAnnotation] === undefined

/**
 * The revision that an unmarked primary runs: that of the target where the one is a copy of the other, as Flagger makes
 * them, with equal contents of what both read.
 */
export function revisionOfUnmarked(primary: Workload, target: Workload, configs: TrackedConfigs): string {
  const label = selectorLabelOf(target)
  const own = new Set(configReferencesOf(templateOf(target)).map(configKeyOf))
  const originalOf: Rename = (reference) =>
    own.has(configKeyOf(reference)) ? reference.name : reference.name.replace(SUFFIX, '')
  const template = renameConfigs(templateOf(primary), originalOf)
  const hashes = [...configs.values()].map((config) => {
    const { kind, hash } = config
    return [configKeyOf({ kind, name: originalOf(config) }), hash] as const
  })
  return revisionOf(withoutId(label ? unlabel(template, label) : template), Object.fromEntries(hashes))
}

function unlabel(template: PodTemplate, label: SelectorLabel): PodTemplate {
  const { key, value } = label
  const { value: from } = primaryLabel(label)
  const { labels } = template.metadata ?? {}
  const metadata = { ...template.metadata, labels: { ...labels, ...(labels?.[key] === from && { [key]: value }) } }
  return { ...template, metadata, spec: relabelPlacement(template.spec, { key, from, to: value }) }
}

function withoutId(template: PodTemplate): PodTemplate {
  const { annotations: { [FLAGGER_ID]: _, ...annotations } = {}, ...metadata } = template.metadata ?? {}
  return { ...template, metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) } }
}

/** It is Sluice's from now on, and says what it runs. */
export function renderAdopted<T extends Workload>(primary: T, canary: Canary, revision: string): T {
  const { annotations, ...metadata } = adopt(primary, canary).metadata
  return { ...primary, metadata: { ...metadata, annotations: { ...annotations, [revisionAnnotation]: revision } } }
}

import { type Canary, type KubernetesObject, serviceKind } from '../api/index.ts'
import type { WorkQueue } from '../kube/index.ts'
import { serviceNamesOf } from '../traffic/index.ts'
import { type AutoscalerReference, primaryAutoscalerNameOf } from './autoscaler/render.ts'
import { type ConfigReference, configKinds, configReferencesOf } from './config/references.ts'
import type { LocalCopies } from './local-copies.ts'
import { serviceNameLabel } from './service-target/facts.ts'
import { primaryNameOf } from './workload/primary.ts'
import { findTarget, workloadOf } from './workload/workload.ts'

export const keyOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`

export function parseKey(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}

/** Puts every Canary that a change may concern into the queue. */
export function enqueueOnChange(copies: LocalCopies, queue: Pick<WorkQueue, 'add'>): void {
  const addWhere = (namespace: string | undefined, concerns: (canary: Canary) => boolean): void => {
    for (const canary of copies.canaries.list(namespace)) if (concerns(canary)) queue.add(keyOf(canary))
  }

  copies.canaries.onChange((current, previous) => {
    const changed = current ?? previous
    if (changed === undefined) return
    queue.add(keyOf(changed))
    // Another Canary of the same workload may have to stand back now, or may go on.
    if (current === undefined || previous === undefined) addWhere(changed.metadata.namespace, sharesTarget(changed))
  })
  copies.rivals?.onChange((current, previous) => {
    const rival = current ?? previous
    if (rival) addWhere(rival.metadata.namespace, sharesTarget(rival))
  })
  for (const reflector of [copies.deployments, copies.daemonSets]) {
    reflector.onChange((current: KubernetesObject | undefined, previous: KubernetesObject | undefined) => {
      const { name, namespace } = (current ?? previous)?.metadata ?? { name: '' }
      addWhere(namespace, (canary) => canary.spec.targetRef.name === name || primaryNameOf(canary) === name)
    })
  }
  for (const reflector of [copies.services, copies.virtualServices]) {
    reflector.onChange((current: KubernetesObject | undefined, previous: KubernetesObject | undefined) => {
      const { name, namespace } = (current ?? previous)?.metadata ?? { name: '' }
      addWhere(namespace, (canary) => Object.values(serviceNamesOf(canary)).includes(name))
    })
  }
  copies.endpointSlices.onChange((current, previous) => {
    const slice = current ?? previous
    const name = slice?.metadata.labels?.[serviceNameLabel]
    addWhere(slice?.metadata.namespace, (canary) => {
      const { primary, canary: copy } = serviceNamesOf(canary)
      return canary.spec.targetRef.kind === serviceKind.kind && (name === primary || name === copy)
    })
  })
  copies.runs.onChange((current, previous) => {
    const run = current ?? previous
    if (run) addWhere(run.metadata.namespace, (canary) => canary.metadata.name === run.spec.canary)
  })
  for (const [kind, watch] of Object.entries(copies.autoscalers)) {
    watch.onChange((current, previous) => {
      const { name, namespace } = (current ?? previous)?.metadata ?? { name: '' }
      addWhere(namespace, ({ spec }) => spec.autoscalerRef?.kind === kind && namesAutoscaler(spec.autoscalerRef, name))
    })
  }
  for (const kind of configKinds) {
    copies.configs.metadataOf(kind)?.onChange((current, previous) => {
      const { name, namespace } = (current ?? previous)?.metadata ?? { name: '' }
      addWhere(namespace, (canary) => readsConfig(copies, canary, { kind, name }))
    })
  }
  for (const templates of [copies.templates, copies.clusterTemplates]) {
    templates.onChange((current, previous) => {
      const name = (current ?? previous)?.metadata.name
      addWhere(
        undefined,
        (canary) => canary.spec.analysis.metrics?.some(({ templateRef }) => templateRef?.name === name) ?? false,
      )
    })
  }
}

const namesAutoscaler = (reference: AutoscalerReference, name: string): boolean =>
  reference.name === name || primaryAutoscalerNameOf(reference) === name

function readsConfig(copies: LocalCopies, canary: Canary, { kind, name }: ConfigReference): boolean {
  const target = workloadOf(findTarget(copies, canary))
  const references = target === undefined ? [] : configReferencesOf(target.spec.template)
  return references.some((each) => each.kind === kind && each.name === name)
}

const sharesTarget =
  (one: Canary) =>
  (other: Canary): boolean =>
    other.metadata.uid !== one.metadata.uid && other.spec.targetRef.name === one.spec.targetRef.name

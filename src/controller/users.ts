import type { Canary } from '../api/index.ts'
import type { ObjectRef, Reflector } from '../kube/index.ts'
import { serviceNamesOf } from '../traffic/index.ts'
import { primaryAutoscalerNameOf } from './autoscaler/render.ts'
import { primaryNameOf } from './workload/primary.ts'

/** In what way a Canary names another object. */
export type Use = 'target' | 'workload' | 'apex' | 'service' | 'autoscaler' | 'template' | 'dependency'

/** The Canaries that name an object so, found without looking at all of a namespace. */
export type FindUsers = (use: Use, ref: ObjectRef) => readonly Canary[]

export function createFindUsers(canaries: Pick<Reflector<Canary>, 'indexBy'>): FindUsers {
  const find = canaries.indexBy(usesOf)
  return (use, ref) => find(nameOf(use, ref))
}

/** Templates may be of another namespace or of none: they are found by their name alone. */
const nameOf = (use: Use, { namespace = '', name }: ObjectRef): string =>
  use === 'template' ? `${use} ${name}` : `${use} ${namespace}/${name}`

function usesOf(canary: Canary): readonly string[] {
  const { namespace } = canary.metadata
  const { targetRef, autoscalerRef, analysis, dependsOn = [] } = canary.spec
  const { apex, ...backends } = serviceNamesOf(canary)
  const named = (use: Use, names: readonly (string | undefined)[]) =>
    names.flatMap((name) => (name === undefined ? [] : [nameOf(use, { namespace, name })]))
  return [
    ...named('target', [targetRef.name]),
    ...named('workload', [targetRef.name, primaryNameOf(canary)]),
    ...named('apex', [apex]),
    ...named('service', [apex, ...Object.values(backends)]),
    ...named('autoscaler', autoscalerRef ? [autoscalerRef.name, primaryAutoscalerNameOf(autoscalerRef)] : []),
    ...named('template', analysis.metrics?.map(({ templateRef }) => templateRef?.name) ?? []),
    ...named(
      'dependency',
      dependsOn.map(({ name }) => name),
    ),
  ]
}

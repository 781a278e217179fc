import { builtinSchema } from '../schema/builtin-schema.ts'
import { type BuiltinKind, builtinKinds } from './builtin-kinds.ts'
import { configMapRules, secretRules } from './configuration-rules.ts'
import { customResourceDefinitionRules } from './custom-resource-definition-rules.ts'
import { namespaceRules } from './namespace-rules.ts'
import { podRules } from './pod-rules.ts'
import type { ApiResource, KindRules, ScalePaths } from './resource.ts'
import { createServiceRules } from './service-rules.ts'
import {
  cronJobRules,
  daemonSetRules,
  deploymentRules,
  jobRules,
  replicaSetRules,
  statefulSetRules,
} from './workload-rules.ts'

const scalePaths: ScalePaths = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.spec.selector',
}

/** The kinds that need no CustomResourceDefinition; `prefix` begins the instance's addresses, such as `127.64`. */
export function builtinResources(prefix: string): readonly ApiResource[] {
  const rules: Readonly<Record<string, KindRules>> = {
    Namespace: namespaceRules,
    Pod: podRules,
    Service: createServiceRules(prefix),
    ConfigMap: configMapRules,
    Secret: secretRules,
    Deployment: deploymentRules,
    ReplicaSet: replicaSetRules,
    StatefulSet: statefulSetRules,
    DaemonSet: daemonSetRules,
    Job: jobRules,
    CronJob: cronJobRules,
    CustomResourceDefinition: customResourceDefinitionRules,
  }
  return builtinKinds.map((kind) => toResource(kind, rules[kind.kind] ?? {}))
}

const toResource = (kind: BuiltinKind, rules: KindRules): ApiResource => ({
  group: kind.group,
  version: kind.version,
  kind: kind.kind,
  listKind: `${kind.kind}List`,
  plural: kind.plural,
  singular: kind.kind.toLowerCase(),
  shortNames: kind.shortNames ?? [],
  categories: kind.categories ?? [],
  namespaced: kind.namespaced,
  storage: `${kind.group}/${kind.plural}`,
  schema: builtinSchema(kind.model),
  isCustom: false,
  hasStatus: kind.status === true,
  newStatus: kind.status === true ? (kind.newStatus ?? {}) : undefined,
  scale: kind.scale === true ? scalePaths : undefined,
  countsGeneration: kind.generation === true,
  fieldSelectors: kind.fieldSelectors ?? [],
  columns: undefined,
  rules,
})

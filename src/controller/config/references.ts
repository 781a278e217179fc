import type { Container, EnvFromSource, EnvVar, PodTemplate, Volume } from '../../api/index.ts'
import { remember } from '../../base/index.ts'

export const configKinds = ['ConfigMap', 'Secret'] as const

/** A ConfigMap or Secret that a pod template names. */
export interface ConfigReference {
  readonly kind: (typeof configKinds)[number]
  readonly name: string
}

export type Rename = (reference: ConfigReference) => string

/** The ConfigMaps and Secrets that pods of a template read, each once. */
export const configReferencesOf = remember((template: PodTemplate): readonly ConfigReference[] => {
  const found = new Map<string, ConfigReference>()
  renameConfigs(template, (reference) => {
    found.set(configKeyOf(reference), reference)
    return reference.name
  })
  return [...found.values()]
})

export const configKeyOf = ({ kind, name }: ConfigReference): string => `${kind}/${name}`

/** The same template with other names for what it reads: in volumes, projected or not, variables and sets of variables. */
export function renameConfigs(template: PodTemplate, rename: Rename): PodTemplate {
  const { containers, initContainers, volumes, ...spec } = template.spec
  return {
    ...template,
    spec: {
      ...spec,
      containers: containers.map((each) => renameInContainer(each, rename)),
      ...(initContainers && { initContainers: initContainers.map((each) => renameInContainer(each, rename)) }),
      ...(volumes && { volumes: volumes.map((each) => renameInVolume(each, rename)) }),
    },
  }
}

function renameInVolume(volume: Volume, rename: Rename): Volume {
  const { configMap, secret, projected } = volume
  return {
    ...volume,
    ...(configMap && { configMap: renamed('ConfigMap', configMap, rename) }),
    ...(secret && { secret: { ...secret, secretName: rename({ kind: 'Secret', name: secret.secretName }) } }),
    ...(projected && {
      projected: {
        ...projected,
        ...(projected.sources && {
          sources: projected.sources.map((source) => ({
            ...source,
            ...(source.configMap && { configMap: renamed('ConfigMap', source.configMap, rename) }),
            ...(source.secret && { secret: renamed('Secret', source.secret, rename) }),
          })),
        }),
      },
    }),
  }
}

const renameInContainer = (container: Container, rename: Rename): Container => ({
  ...container,
  ...(container.env && { env: container.env.map((each) => renameInVariable(each, rename)) }),
  ...(container.envFrom && { envFrom: container.envFrom.map((each) => renameInVariables(each, rename)) }),
})

function renameInVariable(variable: EnvVar, rename: Rename): EnvVar {
  const { configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {}
  if (configMapKeyRef === undefined && secretKeyRef === undefined) return variable
  return {
    ...variable,
    valueFrom: {
      ...variable.valueFrom,
      ...(configMapKeyRef && { configMapKeyRef: renamed('ConfigMap', configMapKeyRef, rename) }),
      ...(secretKeyRef && { secretKeyRef: renamed('Secret', secretKeyRef, rename) }),
    },
  }
}

const renameInVariables = (source: EnvFromSource, rename: Rename): EnvFromSource => ({
  ...source,
  ...(source.configMapRef && { configMapRef: renamed('ConfigMap', source.configMapRef, rename) }),
  ...(source.secretRef && { secretRef: renamed('Secret', source.secretRef, rename) }),
})

const renamed = <T extends { readonly name: string }>(kind: ConfigReference['kind'], named: T, rename: Rename): T => ({
  ...named,
  name: rename({ kind, name: named.name }),
})

/** An object to create: where, and what. */
export interface Creation {
  readonly path: string
  readonly body: object
}

/** A controller under measurement, with the objects that make it do the same work as the others. */
export interface Subject {
  readonly name: string
  /** What it is, for the report: a version or a path. */
  readonly version: string
  readonly customResourceDefinitions: readonly object[]
  command(start: StartOptions): { readonly command: string; readonly args: readonly string[] }
  /** Objects that all apps share. Here and below, everybody checks after each interval, as `10s`. */
  shared(prometheusUrl: string, interval: string): readonly Creation[]
  /** One app in its first version. Its route has its name, and the new version's Service ends in `-canary`. */
  app(name: string, interval: string): readonly Creation[]
  /** A merge patch that changes the image. */
  imageChange(name: string, tag: string): Creation
  /** The collection whose objects say how releases stand. */
  readonly releases: string
  /** The first version serves, and nothing is going on. */
  isReady(release: Release): boolean
  /** A release was taken back, and nothing is going on. */
  isTakenBack(release: Release): boolean
}

export interface StartOptions {
  readonly kubeconfig: string
  readonly prometheusUrl: string
  /** A free port for its metrics. */
  readonly port: number
}

export interface Release {
  readonly metadata: { readonly name: string; readonly generation?: number }
  readonly status?: {
    readonly phase?: string
    readonly observedGeneration?: number | string
  }
}

export const NAMESPACE = 'bench'

/** The same settings for everybody: one failed check takes the release back. */
export const STEP_WEIGHT = 10

export const collection = (apiVersion: string, plural: string): string =>
  `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/namespaces/${NAMESPACE}/${plural}`

/** An object of the namespace, ready to be created. */
export const creation = (apiVersion: string, kind: string, plural: string, object: object): Creation => ({
  path: collection(apiVersion, plural),
  body: { apiVersion, kind, ...object },
})

/** A CRD that takes everything: of the peers only what they do is measured, not how the API server validates. */
export function openDefinition(
  group: string,
  version: string,
  names: { readonly kind: string; readonly plural: string; readonly scope?: 'Cluster' },
  subresources: object,
): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const { kind, plural, scope = 'Namespaced' } = names
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, schema, subresources }],
    },
  }
}

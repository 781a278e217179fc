import type { z } from 'zod'
import type { CustomResourceDefinition, CustomResourceVersion, JsonSchema } from './kubernetes/core.ts'
import type { ResourceKind } from './kubernetes/meta.ts'
import { structuralSchema } from './structural-schema.ts'

export type PrinterColumn = NonNullable<CustomResourceVersion['additionalPrinterColumns']>[number]

/** What a CRD says beside its schema. */
export interface CustomResource {
  readonly kind: ResourceKind
  readonly schema: z.ZodObject<{ spec: z.ZodType; status?: z.ZodType }>
  readonly description: string
  readonly columns: readonly PrinterColumn[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  /** Older versions that are served with the same schema; the version of the kind is stored. */
  readonly alsoServed?: readonly string[]
}

/** Renders the CustomResourceDefinition of a kind. */
export function crdFor(resource: CustomResource): CustomResourceDefinition {
  const { kind, shortNames, categories, alsoServed = [] } = resource
  const version = versionOf(resource)
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      names: {
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        ...(shortNames === undefined ? {} : { shortNames }),
        ...(categories === undefined ? {} : { categories }),
      },
      versions: [
        { name: kind.version, served: true, storage: true, ...version },
        ...alsoServed.map((name) => ({ name, served: true, storage: false, ...version })),
      ],
    },
  }
}

function versionOf({ schema, description, columns }: CustomResource) {
  const { spec, status } = schema.shape
  const openAPIV3Schema: JsonSchema = {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: 'Group and version of the object.' },
      kind: { type: 'string', description: 'Kind of the object.' },
      metadata: { type: 'object' },
      spec: structuralSchema(spec),
      ...(status === undefined ? {} : { status: structuralSchema(status) }),
    },
  }
  return {
    additionalPrinterColumns: columns,
    schema: { openAPIV3Schema },
    ...(status === undefined ? {} : { subresources: { status: {} } }),
  }
}

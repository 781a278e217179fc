import type { CustomResourceDefinition } from '../../src/api/index.ts'

const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** A stand-in for the CRD of KEDA: its group, kind and version, and whatever is in a spec. Nothing here scales. */
export const scaledObjectDefinition: CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'scaledobjects.keda.sh' },
  spec: {
    group: 'keda.sh',
    scope: 'Namespaced',
    names: { plural: 'scaledobjects', singular: 'scaledobject', kind: 'ScaledObject', listKind: 'ScaledObjectList' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: open, status: open } } },
        subresources: { status: {} },
      },
    ],
  },
}

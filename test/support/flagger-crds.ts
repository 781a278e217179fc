import type { CustomResourceDefinition } from '../../src/api/index.ts'

const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** Stand-ins for the CRDs that Flagger leaves: its group, kinds and version, and whatever is in a spec or status. */
export const flaggerDefinitions: readonly CustomResourceDefinition[] = [
  define('Canary', 'canaries'),
  define('MetricTemplate', 'metrictemplates'),
  define('AlertProvider', 'alertproviders'),
]

function define(kind: string, plural: string): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.flagger.app` },
    spec: {
      group: 'flagger.app',
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [
        {
          name: 'v1beta1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: open, status: open } } },
          subresources: { status: {} },
        },
      ],
    },
  }
}

import { expect, test } from 'vitest'
import { allCustomResourceDefinitions } from '../../src/api/index.ts'
import { badObjects } from '../support/bad-objects.ts'
import { anywhere, type SchemaNode, schemaOf, visit } from '../support/structural-schema.ts'

const crds = allCustomResourceDefinitions.map((crd) => ({ resource: crd.spec.names.plural, schema: schemaOf(crd) }))

const rulesOf = (resource: string, schema: SchemaNode): readonly string[] =>
  visit(schema).flatMap(({ path, node }) =>
    (node['x-kubernetes-validations'] ?? []).map(
      ({ message, fieldPath = '' }) => `${resource} ${path}${fieldPath}: ${message}`,
    ),
  )

test('each rule of a CRD has an object that breaks it', () => {
  const broken = new Set(badObjects.map(({ resource, field, message }) => `${resource} ${anywhere(field)}: ${message}`))
  // Cluster-wide templates are held to the same schema, as the next test says.
  const rules = crds.filter(({ resource }) => resource !== 'clustermetrictemplates')
  const all = rules.flatMap(({ resource, schema }) => rulesOf(resource, schema))
  expect(all.length).toBeGreaterThan(40)
  expect(all.filter((rule) => !broken.has(rule))).toEqual([])
})

test('a ClusterMetricTemplate is what a MetricTemplate is', () => {
  const schema = (name: string) => crds.find(({ resource }) => resource === name)?.schema
  expect(schema('clustermetrictemplates')).toEqual(schema('metrictemplates'))
})

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  allCustomResourceDefinitions,
  type CustomResourceDefinition,
  crdFor,
  istioCustomResourceDefinitions,
  localCustomResourceDefinitions,
} from '../../src/api/index.ts'

const all = [...allCustomResourceDefinitions, ...istioCustomResourceDefinitions, ...localCustomResourceDefinitions]

test('each kind has its CRD, in its list', () => {
  const names = (crds: readonly CustomResourceDefinition[]) => crds.map(({ metadata }) => metadata.name)
  expect(names(allCustomResourceDefinitions)).toEqual([
    'canaries.sluice.dev',
    'canaryruns.sluice.dev',
    'metrictemplates.sluice.dev',
    'clustermetrictemplates.sluice.dev',
    'alertproviders.sluice.dev',
    'imagepolicies.sluice.dev',
  ])
  expect(names(istioCustomResourceDefinitions)).toEqual([
    'virtualservices.networking.istio.io',
    'destinationrules.networking.istio.io',
    'gateways.networking.istio.io',
    'sidecars.networking.istio.io',
    'serviceentries.networking.istio.io',
    'workloadentries.networking.istio.io',
    'peerauthentications.security.istio.io',
    'authorizationpolicies.security.istio.io',
    'requestauthentications.security.istio.io',
    'telemetries.telemetry.istio.io',
  ])
  expect(names(localCustomResourceDefinitions)).toEqual(['localimages.local.sluice.dev'])
})

describe.each(all.map((crd) => [crd.metadata.name, crd] as const))('%s', (_, crd) => {
  test('is stored in one version and describes every field', () => {
    expect(crd.spec.versions.filter(({ storage }) => storage)).toHaveLength(1)
    const nodes = crd.spec.versions.flatMap(({ schema }) => walk(schema?.openAPIV3Schema ?? {}, ''))
    expect(nodes.length).toBeGreaterThan(5)
    expect(nodes.filter(({ path, node }) => isField(path) && typeof node.description !== 'string')).toEqual([])
  })

  test('is structural', () => {
    const nodes = crd.spec.versions.flatMap(({ schema }) => walk(schema?.openAPIV3Schema ?? {}, ''))
    const untyped = ({ node }: Visited) =>
      node.type === undefined &&
      node['x-kubernetes-int-or-string'] !== true &&
      node['x-kubernetes-preserve-unknown-fields'] !== true
    const loose = ({ node }: Visited) => node.properties !== undefined && node.additionalProperties !== undefined
    const unions = ({ node }: Visited) => ['anyOf', 'oneOf', 'allOf', '$ref', 'const'].some((word) => word in node)
    expect(nodes.filter((visited) => untyped(visited) || loose(visited) || unions(visited))).toEqual([])
  })
})

describe('crdFor', () => {
  const schemaOf = (spec: z.ZodRawShape) => {
    const crd = crdFor({
      kind: { group: 'example.org', version: 'v2', kind: 'Thing', plural: 'things', namespaced: false },
      schema: z.object({ spec: z.object(spec).describe('Spec.') }),
      description: 'A thing.',
      columns: [],
      alsoServed: ['v1'],
    })
    expect(crd.spec.versions[1]?.schema).toEqual(crd.spec.versions[0]?.schema)
    const root = crd.spec.versions[0]?.schema?.openAPIV3Schema
    return walk(root ?? {}, '').find(({ path }) => path === '.spec')?.node
  }

  test.each([
    ['an integer without zod’s own bounds', z.int(), { type: 'integer' }],
    ['an integer with bounds of ours', z.int().min(0).max(9), { type: 'integer', minimum: 0, maximum: 9 }],
    [
      'a number or a name',
      z.union([z.int().min(1), z.string().max(5)]),
      { 'x-kubernetes-int-or-string': true, minimum: 1, maxLength: 5 },
    ],
    ['an open object', z.looseObject({}), { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }],
    [
      'an open object with known fields',
      z.looseObject({ a: z.string() }),
      {
        type: 'object',
        properties: { a: { type: 'string' } },
        required: ['a'],
        'x-kubernetes-preserve-unknown-fields': true,
      },
    ],
    ['a map', z.record(z.string(), z.int()), { type: 'object', additionalProperties: { type: 'integer' } }],
    [
      'a closed object',
      z.strictObject({ a: z.string() }),
      {
        type: 'object',
        properties: { a: { type: 'string' } },
        required: ['a'],
      },
    ],
    ['anything', z.unknown(), { 'x-kubernetes-preserve-unknown-fields': true }],
    ['a null', z.string().nullable(), { type: 'string', nullable: true }],
  ])('renders %s', (_, field, rendered) => {
    expect(schemaOf({ field })).toMatchObject({ properties: { field: rendered } })
    const { field: actual } = (schemaOf({ field }) as { properties: Record<string, object> }).properties
    expect(actual).toEqual(rendered)
  })

  test('does not require what has a default', () => {
    expect(schemaOf({ a: z.int().default(3), b: z.int() })).toEqual({
      type: 'object',
      description: 'Spec.',
      required: ['b'],
      properties: { a: { type: 'integer', default: 3 }, b: { type: 'integer' } },
    })
  })

  test('refuses a union that no CRD can carry, and names its field', () => {
    expect(() => schemaOf({ field: z.union([z.boolean(), z.string()]) })).toThrow(/^\.field: /)
  })
})

test('the files in crds/ and in the chart are up to date', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/generate-crds.ts', '--check'])
  expect(stdout).toBe('')
})

interface Visited {
  readonly path: string
  readonly node: Readonly<Record<string, unknown>>
}

/** Items and map values speak through the field that holds them; metadata belongs to the API server. */
const isField = (path: string): boolean => path !== '.metadata' && !/(\[\]|\[\*\])$/.test(path)

function walk(node: Readonly<Record<string, unknown>>, path: string): readonly Visited[] {
  const below = (child: unknown, step: string): readonly Visited[] =>
    typeof child === 'object' && child !== null ? walk({ ...child }, path + step) : []
  const properties = Object.entries({ ...((node.properties as object | undefined) ?? {}) })
  return [
    { path, node },
    ...properties.flatMap(([name, child]) => below(child, `.${name}`)),
    ...below(node.items, '[]'),
    ...below(node.additionalProperties, '[*]'),
  ]
}

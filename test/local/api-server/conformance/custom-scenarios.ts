import { widgets as definition, widget } from './objects.ts'
import { get, json, merge, patch, post, put, remove, type Scenario, strategic } from './steps.ts'

const widgets = '/apis/example.test/v1/namespaces/{ns}/widgets'
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

const refused = (say: string, spec: object) => post(`refuses ${say}`, widgets, widget('x', spec))

export const customScenarios: readonly Scenario[] = [
  {
    name: 'custom resources: schema',
    steps: [
      post('prunes, defaults and warns', widgets, {
        ...widget('a', { size: 3, more: 1, nested: { odd: true }, free: { any: 1 }, parts: [{ id: 'p' }] }),
        extra: true,
      }),
      post(
        'refuses unknown fields when strict',
        `${widgets}?fieldValidation=Strict`,
        widget('b', { size: 3, more: 1 }),
      ),
      refused('a missing field', {}),
      refused('a wrong type', { size: 'x' }),
      refused('below the minimum', { size: 0 }),
      refused('above the maximum', { size: 11 }),
      refused('what is not in the enum', { size: 1, color: 'blue' }),
      refused('a pattern', { size: 1, name: 'A1' }),
      refused('too long', { size: 1, name: 'abcdefgh' }),
      refused('too short', { size: 1, name: 'a' }),
      refused('too many items', { size: 1, tags: ['t1', 't2', 't3', 't4'] }),
      refused('duplicates of a set', { size: 1, tags: ['t1', 't1'] }),
      refused('duplicates of a map', { size: 1, parts: [{ id: 'a' }, { id: 'a' }] }),
      refused('too many members', { size: 1, labels: { a: 'a', b: 'b', c: 'c' } }),
      refused('a wrong value of a map', { size: 1, labels: { a: 1 } }),
      refused('a list for an int or string', { size: 1, port: [] }),
      refused('null where it is not nullable', { size: null }),
      refused('a rule with its field', { size: 1, low: 3, high: 2 }),
      refused('a rule with its message expression', { size: 1, tags: ['a'] }),
      refused('several at once', { size: 0, color: 'blue' }),
      post('takes null where it is nullable', widgets, widget('c', { size: 1, maybe: null, port: 'http' })),
      post('takes null for what has a default', widgets, widget('d', { size: 1, color: null, ratio: 1 })),
      post('takes a fixed value', widgets, widget('e', { size: 1, fixed: 'x' })),
      patch('that must stay', `${widgets}/e`, merge, { spec: { fixed: 'y' } }),
      patch('has no strategic merge', `${widgets}/e`, strategic, { spec: { size: 2 } }),
      put('must say what it read', `${widgets}/e`, () => widget('e')),
    ],
  },
  {
    name: 'custom resources: status, scale, versions',
    steps: [
      post('status is not taken at creation', widgets, { ...widget('a'), status: { replicas: 3 } }),
      patch('nor by the object', `${widgets}/a`, merge, { status: { replicas: 3 } }),
      patch('but by its subresource', `${widgets}/a/status`, merge, {
        status: { replicas: 3, conditions: [{ type: 'Ready', status: 'True' }] },
        spec: { size: 9 },
      }),
      patch('a change of the spec counts', `${widgets}/a`, json, [{ op: 'replace', path: '/spec/size', value: 4 }]),
      get('another version', '/apis/example.test/v1alpha3/namespaces/{ns}/widgets/a'),
      patch('is written too', '/apis/example.test/v1beta1/namespaces/{ns}/widgets/a', merge, { spec: { replicas: 2 } }),
      get('scale', `${widgets}/a/scale`),
      patch('scaled', `${widgets}/a/scale`, merge, { spec: { replicas: 6 } }),
      get('as a table', widgets, { accept: table }),
      get('list', widgets),
      remove('deletes', `${widgets}/a`),
    ],
  },
  {
    name: 'custom resources: definitions',
    steps: [
      get('established', `${crds}/widgets.example.test`),
      post('refuses another name', crds, { ...definition, metadata: { name: 'x.example.test' } }),
      post('refuses no schema', crds, {
        ...definition,
        metadata: { name: 'gadgets.example.test' },
        spec: {
          ...definition.spec,
          names: { plural: 'gadgets', kind: 'Gadget' },
          versions: [{ name: 'v1', served: true, storage: true }],
        },
      }),
      post('refuses a schema without types', crds, {
        ...definition,
        metadata: { name: 'gadgets.example.test' },
        spec: {
          ...definition.spec,
          names: { plural: 'gadgets', kind: 'Gadget' },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', properties: { spec: {} } } },
            },
          ],
        },
      }),
    ],
  },
]

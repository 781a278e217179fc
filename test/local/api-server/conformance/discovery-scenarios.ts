import { get, post, put, type Scenario } from './steps.ts'

const slices = '/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices'

const endpointSlice = (name: string, content: object = {}) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name },
  addressType: 'IPv4',
  ...content,
})

export const discoveryScenarios: readonly Scenario[] = [
  {
    name: 'endpoint slices',
    steps: [
      post('without endpoints', slices, endpointSlice('absent')),
      get('is read so', `${slices}/absent`),
      post('with an empty list', slices, endpointSlice('empty', { endpoints: [], ports: [] })),
      get('is read so, too', `${slices}/empty`),
      post('with one', slices, endpointSlice('one', { endpoints: [{ addresses: ['10.0.0.1'] }] })),
      put('that goes', `${slices}/one`, ([, , , , { endpoints: _, ...last }]) => last),
      get('is listed', `${slices}?fieldSelector=metadata.name%3Done`),
    ],
  },
]

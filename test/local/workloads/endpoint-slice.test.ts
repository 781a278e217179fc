import { expect, test } from 'vitest'
import type { EndpointSlice } from '../../../src/api/index.ts'
import { decideEndpointSlices } from '../../../src/local/workloads/endpoint-slice.ts'
import { podOf, serviceOf } from '../../support/workload-objects.ts'

const summary = (slice: EndpointSlice) => ({
  ports: slice.ports?.map(({ name, port }) => `${name}:${port}`),
  endpoints: (slice.endpoints ?? []).map(
    ({ addresses, conditions, targetRef }) =>
      `${targetRef?.name} ${addresses[0]} ready=${conditions?.ready} serving=${conditions?.serving} terminating=${conditions?.terminating}`,
  ),
})

const rows = [
  {
    name: 'ready, not ready and leaving pods are told apart',
    service: serviceOf(),
    pods: [
      podOf('a', { ready: true, podIP: '127.70.1.1' }),
      podOf('b', { podIP: '127.70.1.2' }),
      podOf('c', { ready: true, podIP: '127.70.1.3', deletionTimestamp: '2030-01-01T00:01:00Z' }),
    ],
    expected: [
      {
        ports: ['http:8080'],
        endpoints: [
          'a 127.70.1.1 ready=true serving=true terminating=false',
          'b 127.70.1.2 ready=false serving=false terminating=false',
          'c 127.70.1.3 ready=false serving=true terminating=true',
        ],
      },
    ],
  },
  {
    name: 'pods without an address, of other labels or finished are left out',
    service: serviceOf(),
    pods: [
      podOf('a', { ready: true }),
      podOf('b', { ready: true, podIP: '127.70.1.2', labels: { app: 'other' } }),
      podOf('c', { podIP: '127.70.1.3', phase: 'Succeeded' }),
    ],
    expected: [{ ports: [], endpoints: [] }],
  },
  {
    name: 'a port name that leads to two numbers makes two slices',
    service: serviceOf(),
    pods: [
      podOf('a', { ready: true, podIP: '127.70.1.1' }),
      podOf('b', { ready: true, podIP: '127.70.1.2', containerPort: 9090 }),
    ],
    expected: [
      { ports: ['http:8080'], endpoints: ['a 127.70.1.1 ready=true serving=true terminating=false'] },
      { ports: ['http:9090'], endpoints: ['b 127.70.1.2 ready=true serving=true terminating=false'] },
    ],
  },
  {
    name: 'without targetPort the port itself is meant, and an unnamed port has the empty name',
    service: serviceOf({ ports: [{ port: 80 }] }),
    pods: [podOf('a', { ready: true, podIP: '127.70.1.1' })],
    expected: [{ ports: [':80'], endpoints: ['a 127.70.1.1 ready=true serving=true terminating=false'] }],
  },
]

test.each(rows)('$name', ({ service, pods, expected }) => {
  const actions = decideEndpointSlices({ service, pods, slices: [] })
  expect(actions.map(({ kind, slice }) => ({ kind, ...summary(slice) }))).toEqual(
    expected.map((slice) => ({ kind: 'create', ...slice })),
  )
})

test('a Service without a selector is left to its owner', () => {
  const service = { ...serviceOf(), spec: { ports: [{ port: 80 }] } }
  expect(
    decideEndpointSlices({ service, pods: [podOf('a', { ready: true, podIP: '127.70.1.1' })], slices: [] }),
  ).toEqual([])
})

test('what stands is not written again; what changed is replaced; what is over is deleted', () => {
  const service = serviceOf()
  const before = [podOf('a', { podIP: '127.70.1.1' }), podOf('b', { podIP: '127.70.1.2', containerPort: 9090 })]
  const slices = decideEndpointSlices({ service, pods: before, slices: [] }).map(({ slice }) => ({
    ...slice,
    metadata: { ...slice.metadata, resourceVersion: '7' },
  }))
  expect(decideEndpointSlices({ service, pods: before, slices })).toEqual([])

  const after = [podOf('a', { ready: true, podIP: '127.70.1.1' })]
  const actions = decideEndpointSlices({ service, pods: after, slices })
  expect(actions.map(({ kind, slice }) => [kind, slice.metadata.name, slice.metadata.resourceVersion])).toEqual([
    ['replace', slices[0]?.metadata.name, '7'],
    ['delete', slices[1]?.metadata.name, '7'],
  ])
})

test('more than a hundred endpoints are spread over slices', () => {
  const pods = Array.from({ length: 205 }, (_, index) => podOf(`pod-${index}`, { podIP: `127.70.1.${index + 1}` }))
  const actions = decideEndpointSlices({ service: serviceOf(), pods, slices: [] })
  expect(actions.map(({ slice }) => slice.endpoints?.length)).toEqual([100, 100, 5])
})

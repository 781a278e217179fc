import { beforeAll, describe, expect, test } from 'vitest'
import type { CanaryRun, EndpointSlice, KubernetesObject, RunStep, VirtualService } from '../../src/api/index.ts'
import { startedCluster } from '../support/release-cluster.ts'
import { brokenPromises } from '../support/release-promises.ts'
import type { Change, Story } from '../support/release-story.ts'

const kinds: Readonly<Record<string, Change['of']>> = {
  ...{ canaries: 'canary', canaryruns: 'run', virtualservices: 'route' },
  ...{ deployments: 'workload', events: 'event' },
}

const types = ['confirm-rollout', 'pre-rollout', 'confirm-promotion', 'post-rollout']

const versionOf = ({ metadata }: KubernetesObject): number => Number(metadata.resourceVersion)

/** Endpoints of a Service from this version on. */
const slice = (service: string, ready: boolean, version: number): Change => ({
  of: 'slice',
  version,
  isGone: false,
  calls: 0,
  object: {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: service, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }],
  } satisfies EndpointSlice,
})

/** A release that is mirrored, weighted and promoted. */
async function tellStory(): Promise<Story> {
  const webhooks = types.map((type) => ({ name: type, type, url: 'http://hooks/' }))
  const { cluster, stop } = await startedCluster({ analysis: { webhooks } })
  const changes: Change[] = ['web', 'web-primary', 'web-canary'].map((service) => slice(service, true, 0))
  const hear = (of: Change['of'], object: KubernetesObject) =>
    changes.push({ of, version: versionOf(object), object, isGone: false, calls: cluster.called.length } as Change)
  for (const name of ['web', 'web-primary']) hear('workload', cluster.deployment(name))
  hear('canary', cluster.canary())
  hear('route', cluster.route())
  cluster.api.onWrite((plural, object) => {
    const of = kinds[plural]
    if (of) hear(of, object)
  })
  await cluster.setImage('web:2')
  await cluster.until('success', () => cluster.canary().status?.phase === 'Succeeded')
  await cluster.pass(1_000)
  await stop()
  const last = Math.max(...changes.map(({ version }) => version))
  changes.push(slice('web-canary', false, last + 1))
  const calls = cluster.called.map(({ payload }) => ({ type: payload.type, checksum: payload.checksum }))
  return { changes, calls }
}

type Edit<O extends Change['of']> = (change: Extract<Change, { of: O }>) => readonly Change[]

const edit =
  <O extends Change['of']>(of: O, how: Edit<O>) =>
  (story: Story): Story => ({
    ...story,
    changes: story.changes.flatMap((change) =>
      change.of === of ? how(change as Extract<Change, { of: O }>) : [change],
    ),
  })

const add =
  (how: (story: Story) => readonly Change[]) =>
  (story: Story): Story => ({ ...story, changes: [...story.changes, ...how(story)] })

const withSteps = (run: CanaryRun, how: (step: RunStep, index: number) => RunStep): CanaryRun =>
  run.status ? { ...run, status: { ...run.status, steps: run.status.steps.map(how) } } : run

const weightOf = ({ spec }: VirtualService): number => spec.http?.at(-1)?.route?.[1]?.weight ?? 0

/** The version at which the route first had this weight. */
const routedAt = ({ changes }: Story, weight: number): number =>
  changes.find((change) => change.of === 'route' && weightOf(change.object) === weight)?.version ?? expect.unreachable()

const runsOf = ({ changes }: Story) => changes.flatMap((change) => (change.of === 'run' ? [change] : []))

const isAcknowledged = ({ metadata, status }: VirtualService): boolean =>
  status?.conditions?.[0]?.observedGeneration === metadata.generation

const breaks: readonly (readonly [string, (story: Story) => Story, RegExp])[] = [
  [
    'weights that do not sum to 100',
    edit('route', (change) => {
      const http = [{ route: [{ destination: { host: 'web-primary' }, weight: 99 }] }]
      return [{ ...change, object: { ...change.object, spec: { ...change.object.spec, http } } }]
    }),
    /weights 99/,
  ],
  [
    'a weight for pods that are not ready',
    edit('workload', (change) => {
      const { metadata, status } = change.object
      return [
        metadata.name === 'web'
          ? { ...change, object: { ...change.object, status: { ...status, readyReplicas: 0 } } }
          : change,
      ]
    }),
    /20% go to web-canary, which has no ready pod/,
  ],
  [
    'pods that go while they have requests',
    add((story) => [slice('web-canary', false, routedAt(story, 20) + 0.5)]),
    /web-canary lost its last ready pod while proxies send requests there/,
  ],
  [
    'a Service without pods',
    add((story) => [slice('web', false, routedAt(story, 20))]),
    /the Service web has no ready/,
  ],
  [
    'a primary that changes before its promotion',
    edit('workload', (change) => {
      const isPromoted = change.object.spec.template.spec.containers[0]?.image === 'web:2'
      return [change.object.metadata.name === 'web-primary' && isPromoted ? { ...change, version: 0 } : change]
    }),
    /the primary became/,
  ],
  ['a run that goes back', add((story) => [{ ...at(runsOf(story), 2), version: 1e9 }]), /ended as Succeeded, and then/],
  [
    'a step that is made anew',
    edit('run', (change) => {
      const anew = (step: RunStep): RunStep => ({ ...step, startedAt: `${change.version}` })
      return [{ ...change, object: withSteps(change.object, anew) }]
    }),
    /steps of web-1 were made anew/,
  ],
  [
    'a step without a verdict',
    edit('run', (change) => [{ ...change, object: withSteps(change.object, (step) => ({ ...step, verdicts: [] })) }]),
    /went on from mirror 0 passed without a check that passed/,
  ],
  [
    'a step that is measured before proxies have it',
    edit('route', (change) => (isAcknowledged(change.object) && weightOf(change.object) === 20 ? [] : [change])),
    /weight 20 running is measured while proxies have/,
  ],
  ...['confirm-rollout', 'pre-rollout', 'confirm-promotion'].map(
    (type) =>
      [
        `a webhook ${type} that is not asked`,
        (story: Story): Story => ({
          ...story,
          calls: story.calls.map((call) => (call.type === type ? { ...call, type: '' } : call)),
        }),
        new RegExp(`went on before ${type} was asked`),
      ] as const,
  ),
  [
    'a webhook post-rollout that is not told',
    (story) => ({ ...story, calls: story.calls.filter(({ type }) => type !== 'post-rollout') }),
    /nobody was told of the end of web-1/,
  ],
  [
    'a Canary at rest that says another weight than proxies have',
    edit('canary', (change) => {
      const { status } = change.object
      if (status?.phase !== 'Succeeded') return [change]
      return [{ ...change, object: { ...change.object, status: { ...status, canaryWeight: 40 } } }]
    }),
    /Succeeded at 40%, while proxies have 0%/,
  ],
  [
    'a success of something else',
    edit('run', (change) => [
      { ...change, object: { ...change.object, spec: { ...change.object.spec, images: ['web:3'] } } },
    ]),
    /Succeeded while the primary runs web:2/,
  ],
  [
    'a weight that is claimed and never routed',
    edit('route', (change) => (weightOf(change.object) >= 20 ? [] : [change])),
    /the status went from 20% to 40% while the route gives 0%/,
  ],
  [
    'an end without an event',
    edit('event', (change) => (change.object.reason === 'Succeeded' ? [] : [change])),
    /no event says Succeeded: web:1 -> web:2/,
  ],
  [
    'a stall without an event',
    edit('canary', (change) => {
      const { status } = change.object
      const condition = {
        type: 'Stalled',
        status: 'True',
        reason: 'TargetNotFound',
        message: '',
        lastTransitionTime: '',
      } as const
      return [{ ...change, object: { ...change.object, status: { ...status, conditions: [condition] } } }]
    }),
    /no event says TargetNotFound/,
  ],
  [
    'two runs of one revision',
    add((story) => {
      const { object, ...run } = at(runsOf(story), 0)
      return [{ ...run, version: 1e9, object: { ...object, metadata: { ...object.metadata, name: 'web-2' } } }]
    }),
    /release one revision twice/,
  ],
]

const at = <T>(items: readonly T[], index: number): T => items[index] ?? expect.unreachable()

describe('promises of a release, held against its story', () => {
  let story: Story

  beforeAll(async () => {
    story = await tellStory()
  })

  test('are kept by a good one', () => {
    expect(brokenPromises(story)).toEqual([])
  })

  test.each(breaks)('are broken by %s', (_, spoil, broken) => {
    expect(brokenPromises(spoil(story)).join('\n')).toMatch(broken)
  })
})

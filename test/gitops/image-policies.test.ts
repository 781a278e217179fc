import { afterEach, describe, expect, test } from 'vitest'
import { deploymentKind, eventKind, type ImagePolicy, imagePolicyKind, secretKind } from '../../src/api/index.ts'
import { RegistryError, startImagePolicies, type TagsQuestion } from '../../src/gitops/index.ts'
import { createEventRecorder, KubeError } from '../../src/kube/index.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { deploymentOf, policyOf, specOf } from '../support/image-policy.ts'
import { createMemoryCluster } from '../support/memory-client.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** The loop on a fake clock that stands at 00:00:00, with a registry that answers as `registry.tags` says. */
function setUp() {
  const cluster = createMemoryCluster()
  const clock = createFakeClock()
  const polls: string[] = []
  const questions: TagsQuestion[] = []
  const registry: { tags: readonly string[] | Error; refuse?: 'Deployment' | 'ImagePolicy' } = { tags: ['1.0.0'] }
  const client = cluster.client()
  const guarded: typeof client = {
    ...client,
    patch(kind, ...rest) {
      if (registry.refuse === kind.kind) {
        throw new KubeError(`admission denied ${kind.kind}`, { code: 422, reason: 'Invalid', retry: 'never' })
      }
      return client.patch(kind, ...rest)
    },
  }
  const start = async (): Promise<() => Promise<void>> => {
    const stop = new AbortController()
    const running = startImagePolicies(
      {
        client: { ...guarded, apply: () => expect.unreachable('nothing is applied') },
        recorder: createEventRecorder({ client, component: 'sluice-controller', clock, log: silentLogger }),
        clock,
        log: silentLogger,
        random: () => 0,
        async listTags(question) {
          polls.push(new Date(clock.now()).toISOString().slice(11, 19))
          questions.push(question)
          if (registry.tags instanceof Error) throw registry.tags
          return registry.tags
        },
      },
      stop.signal,
    )
    const end = async () => {
      stop.abort()
      await running
    }
    stops.push(end)
    await clock.advance(1)
    return end
  }
  const seconds = (count: number) => clock.advance(count * 1_000)
  const policy = (): ImagePolicy => cluster.objects(imagePolicyKind)[0] ?? expect.unreachable('there is no policy')
  const images = () => cluster.objects(deploymentKind)[0]?.spec.template.spec.containers.map((each) => each.image)
  const events = () => cluster.objects(eventKind).map((each) => `${each.type} ${each.reason} ${each.message}`)
  return { cluster, client, clock, polls, questions, registry, start, seconds, policy, images, events }
}

const readyOf = (policy: ImagePolicy) => policy.status?.conditions?.[0]

describe('a policy whose registry answers', () => {
  test('sets the newest tag at once, says so, and polls on its schedule', async () => {
    const world = setUp()
    world.registry.tags = ['1.0.0', '1.1.0', 'latest']
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:1.0.0'))
    await world.client.create(imagePolicyKind, policyOf())
    await world.start()
    expect(world.images()).toEqual(['reg.example.com/web:1.1.0'])
    expect(world.policy().status).toEqual({
      observedGeneration: 1,
      latestTag: '1.1.0',
      lastPollTime: '2026-01-01T00:00:00Z',
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'UpToDate',
          message: 'Deployment web is set to reg.example.com/web:1.1.0',
          lastTransitionTime: '2026-01-01T00:00:00Z',
          observedGeneration: 1,
        },
      ],
    })
    expect(world.events()).toEqual([
      'Normal ImageUpdated Deployment web: container c0 from reg.example.com/web:1.0.0 to reg.example.com/web:1.1.0',
    ])
    world.registry.tags = ['1.1.0', '1.2.0']
    await world.seconds(900)
    expect(world.polls).toEqual(['00:00:00', '00:05:00', '00:10:00', '00:15:00'])
    expect(world.images()).toEqual(['reg.example.com/web:1.2.0'])
    expect(world.policy().status).toMatchObject({ latestTag: '1.2.0', lastPollTime: '2026-01-01T00:05:00Z' })
  })

  test('writes nothing when nothing changed, but the time once an hour', async () => {
    const world = setUp()
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:1.0.0'))
    await world.client.create(imagePolicyKind, policyOf())
    await world.start()
    const writes = world.cluster.writes.length
    await world.seconds(3_500)
    expect(world.polls).toHaveLength(12)
    expect(world.cluster.writes.slice(writes)).toEqual([])
    await world.seconds(3_600)
    expect(world.cluster.writes.slice(writes)).toEqual(['patch ImagePolicy'])
    expect(world.policy().status?.lastPollTime).toBe('2026-01-01T01:00:00Z')
  })

  test('is not asked again by a process that starts soon after', async () => {
    const world = setUp()
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:1.0.0'))
    await world.client.create(imagePolicyKind, policyOf())
    const end = await world.start()
    await world.seconds(60)
    await end()
    await world.start()
    await world.seconds(60)
    expect(world.polls).toEqual(['00:00:00'])
    await world.seconds(200)
    expect(world.polls).toEqual(['00:00:00', '00:05:00'])
  })

  test('a new spec is looked at at once, and a user who sets another image is corrected at the next poll', async () => {
    const world = setUp()
    world.registry.tags = ['1.0.0', '2.0.0']
    const deployment = await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:1.0.0'))
    await world.client.create(imagePolicyKind, policyOf({ semver: { range: '^1' } }))
    await world.start()
    await world.seconds(60)
    await world.client.patch(
      imagePolicyKind,
      world.policy().metadata,
      { spec: specOf({ semver: { range: '^2' } }) },
      { type: 'merge' },
    )
    await world.seconds(1)
    expect(world.images()).toEqual(['reg.example.com/web:2.0.0'])
    const edit = { spec: deploymentOf('reg.example.com/web:0.9.0').spec }
    await world.client.patch(deploymentKind, deployment.metadata, edit, { type: 'merge' })
    await world.seconds(300)
    expect(world.images()).toEqual(['reg.example.com/web:2.0.0'])
  })

  test('reads the credentials of its Secret', async () => {
    const world = setUp()
    const auths = { 'reg.example.com': { username: 'robot', password: 'hunter2' } }
    await world.client.create(secretKind, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'pull', namespace: 'default' },
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
    })
    await world.client.create(imagePolicyKind, policyOf({ secretRef: { name: 'pull' }, insecure: true }))
    await world.start()
    expect(world.questions).toEqual([
      {
        repository: { registry: 'reg.example.com', path: 'web' },
        credentials: { username: 'robot', password: 'hunter2' },
        insecure: true,
      },
    ])
  })
})

describe('a policy that can not be followed', () => {
  test.each<[string, Partial<ImagePolicy['spec']>, readonly string[] | Error, object]>([
    ['a bad range', { semver: { range: 'newest' } }, [], { reason: 'InvalidSpec' }],
    ['a bad schedule', { schedule: 'often' }, [], { reason: 'InvalidSpec' }],
    ['a tag in the image', { image: 'reg.example.com/web:1' }, [], { reason: 'InvalidSpec' }],
    [
      'no Secret',
      { secretRef: { name: 'pull' } },
      [],
      { reason: 'CredentialsInvalid', message: 'Secret pull of spec.secretRef does not exist in namespace default' },
    ],
    [
      'no tag in the range',
      {},
      ['0.1.0', 'latest'],
      {
        reason: 'NoMatchingTag',
        message: 'none of the 2 tags of reg.example.com/web is a version in the range >=1.0.0',
      },
    ],
    [
      'no target',
      { targetRef: { kind: 'Deployment', name: 'gone' } },
      ['1.0.0'],
      {
        reason: 'TargetNotFound',
        message: 'Deployment gone does not exist in namespace default; check spec.targetRef.name',
      },
    ],
    [
      'no container',
      { targetRef: { kind: 'Deployment', name: 'web', container: 'x' } },
      ['1.0.0'],
      { reason: 'ContainerNotFound' },
    ],
    [
      'a registry that refuses',
      {},
      new RegistryError('AuthenticationFailed', 'denied'),
      { reason: 'AuthenticationFailed', message: 'denied' },
    ],
  ])('%s is a condition and one event, and changes nothing', async (_, spec, tags, condition) => {
    const world = setUp()
    world.registry.tags = tags
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:0.9.0'))
    await world.client.create(imagePolicyKind, policyOf(spec))
    await world.start()
    expect(readyOf(world.policy())).toMatchObject({ type: 'Ready', status: 'False', ...condition })
    const writes = world.cluster.writes.length
    await world.seconds(3_000)
    expect(world.cluster.writes).toHaveLength(writes)
    expect(world.events()).toHaveLength(1)
    expect(world.images()).toEqual(['reg.example.com/web:0.9.0'])
  })

  test('is tried again sooner than its schedule, ever less often, and recovers', async () => {
    const world = setUp()
    world.registry.tags = new RegistryError('RegistryUnreachable', 'no route')
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:1.0.0'))
    await world.client.create(imagePolicyKind, policyOf({ schedule: '0 * * * *' }))
    await world.start()
    await world.seconds(1_000)
    expect(world.polls).toEqual(['00:00:00', '00:00:30', '00:01:30', '00:03:30', '00:07:30', '00:15:30'])
    world.registry.tags = ['1.0.0']
    await world.seconds(600)
    expect(readyOf(world.policy())).toMatchObject({ status: 'True', lastTransitionTime: '2026-01-01T00:25:30Z' })
  })

  test('a registry that asks for rest gets it', async () => {
    const world = setUp()
    world.registry.tags = new RegistryError('RegistryThrottled', 'slow down', 400_000)
    await world.client.create(imagePolicyKind, policyOf({ schedule: '* * * * *' }))
    await world.start()
    await world.seconds(500)
    expect(world.polls).toEqual(['00:00:00', '00:06:40'])
  })

  test('a target that is refused by admission is a condition, and polling goes on', async () => {
    const world = setUp()
    world.registry.tags = ['1.1.0']
    world.registry.refuse = 'Deployment'
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:1.0.0'))
    await world.client.create(imagePolicyKind, policyOf())
    await world.start()
    expect(readyOf(world.policy())).toMatchObject({ reason: 'UpdateFailed', message: 'admission denied Deployment' })
    expect(world.policy().status?.latestTag).toBe('1.1.0')
    delete world.registry.refuse
    await world.seconds(31)
    expect(world.images()).toEqual(['reg.example.com/web:1.1.0'])
  })

  test('a status that is refused does not end the polling', async () => {
    const world = setUp()
    world.registry.refuse = 'ImagePolicy'
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:1.0.0'))
    await world.client.create(imagePolicyKind, policyOf())
    await world.start()
    await world.seconds(301)
    expect(world.polls).toEqual(['00:00:00', '00:05:00'])
  })

  test('a suspended one is left in peace until it is resumed', async () => {
    const world = setUp()
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:0.9.0'))
    await world.client.create(imagePolicyKind, policyOf({ suspend: true }))
    await world.start()
    await world.seconds(3_600)
    expect(world.polls).toEqual([])
    expect(readyOf(world.policy())).toMatchObject({ status: 'Unknown', reason: 'Suspended' })
    await world.client.patch(imagePolicyKind, world.policy().metadata, { spec: { suspend: false } }, { type: 'merge' })
    await world.seconds(1)
    expect(world.images()).toEqual(['reg.example.com/web:1.0.0'])
  })

  test('a deleted one is forgotten', async () => {
    const world = setUp()
    await world.client.create(deploymentKind, deploymentOf('reg.example.com/web:1.0.0'))
    const { metadata } = await world.client.create(imagePolicyKind, policyOf())
    await world.start()
    await world.client.delete(imagePolicyKind, metadata)
    await world.seconds(3_600)
    expect(world.polls).toEqual(['00:00:00'])
  })
})

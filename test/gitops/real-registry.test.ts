import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { deploymentKind, eventKind, imagePolicyKind } from '../../src/api/index.ts'
import { listTags, startImagePolicies } from '../../src/gitops/index.ts'
import { createEventRecorder, createKubeClient, type KubeClient } from '../../src/kube/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { eventually } from '../support/eventually.ts'
import { deploymentOf, policyOf } from '../support/image-policy.ts'
import { BUILD_TIMEOUT_MS } from '../support/kube-binaries.ts'
import { type LocalApiServer, startLocalApiServer } from '../support/local-api-server.ts'
import { type RunningRegistry, registrySkipReason, startRegistry } from '../support/registry.ts'

const skipped = registrySkipReason()

describe.skipIf(skipped !== undefined)('with a real registry and the local API server', () => {
  let registry: RunningRegistry
  let api: LocalApiServer
  let client: KubeClient
  let running: Promise<void>
  const stop = new AbortController()

  beforeAll(async () => {
    registry = await startRegistry()
    api = await startLocalApiServer()
    const crd = parse(await readFile(join(import.meta.dirname, '../../crds/sluice.dev_imagepolicies.yaml'), 'utf8'))
    await applyCrds(api, [crd])
    client = createKubeClient({ kubeconfig: api.kubeconfig, fieldManager: 'sluice-controller' })
    const common = { client, clock: systemClock, log: silentLogger }
    const recorder = createEventRecorder({ ...common, component: 'sluice-controller' })
    running = startImagePolicies({ ...common, recorder }, stop.signal)
  }, BUILD_TIMEOUT_MS)

  afterAll(async () => {
    stop.abort()
    await running
    await api?.stop()
    await registry?.[Symbol.asyncDispose]()
  })

  test('a pushed tag reaches the Deployment within the schedule, and only its image field is ours', async () => {
    const image = `${registry.host}/team/web`
    await registry.push('team/web', '1.0.0', '1.1.0', '2.0.0', 'latest')
    await client.create(deploymentKind, deploymentOf(`${image}:1.0.0`, 'proxy:3'))
    const policy = policyOf({ image, semver: { range: '^1.0.0' }, schedule: '* * * * * *', insecure: true })
    await client.create(imagePolicyKind, policy)
    const ref = policy.metadata
    const images = async () => {
      const deployment = await client.get(deploymentKind, ref)
      return deployment?.spec.template.spec.containers.map((each) => each.image)
    }
    await eventually(async () => expect(await images()).toEqual([`${image}:1.1.0`, 'proxy:3']))
    await registry.push('team/web', '1.2.0')
    await eventually(async () => expect(await images()).toEqual([`${image}:1.2.0`, 'proxy:3']))
    await eventually(async () => {
      expect((await client.get(imagePolicyKind, ref))?.status).toMatchObject({
        observedGeneration: 1,
        latestTag: '1.2.0',
        conditions: [{ type: 'Ready', status: 'True', reason: 'UpToDate' }],
      })
    })
    const events = (await client.list(eventKind, { namespace: 'default' })).items
    expect(events.map((each) => each.message).toSorted()).toEqual([
      `Deployment web: container c0 from ${image}:1.0.0 to ${image}:1.1.0`,
      `Deployment web: container c0 from ${image}:1.1.0 to ${image}:1.2.0`,
    ])
  })

  test('a repository that is not there is a condition, and is found once it is pushed', async () => {
    const image = `${registry.host}/team/late`
    const policy = policyOf({ image, schedule: '* * * * * *', insecure: true })
    const ref = { namespace: 'default', name: 'late' }
    await client.create(imagePolicyKind, { ...policy, metadata: ref })
    const ready = async () => (await client.get(imagePolicyKind, ref))?.status?.conditions?.[0]
    await eventually(async () =>
      expect(await ready()).toMatchObject({
        status: 'False',
        reason: 'RepositoryNotFound',
        message: `registry ${registry.host} has no repository team/late; check spec.image, or push a first tag`,
      }),
    )
    await registry.push('team/late', '0.1.0')
    await eventually(async () => expect(await ready()).toMatchObject({ reason: 'NoMatchingTag' }))
  })

  test('more tags than a page holds are all found', async () => {
    const tags = Array.from({ length: 1_050 }, (_, index) => `1.0.${index}`)
    await registry.push('team/many', ...tags)
    const question = {
      repository: { registry: registry.host, path: 'team/many' },
      credentials: undefined,
      insecure: true,
    }
    expect([...(await listTags(question, stop.signal))].sort()).toEqual(tags.toSorted())
  })
})

import { afterAll, beforeAll, describe } from 'vitest'
import { type LocalImage, localImageKind } from '../../src/api/index.ts'
import { images } from '../../src/cli/demo/manifests.ts'
import { createKubeClient } from '../../src/kube/index.ts'
import { describeGates } from '../support/gate-scenarios.ts'
import { describeOwnership } from '../support/ownership-scenarios.ts'
import { describePolicies } from '../support/policy-scenarios.ts'
import { describeReleases } from '../support/release-scenarios.ts'
import { isKubectlMissing, type SluiceLocal, startSluiceLocal } from '../support/sluice-local.ts'
import type { Stage } from '../support/staged-app.ts'
import { describeStalling } from '../support/stalled-scenarios.ts'
import { type StandInPrometheus, startStandInPrometheus } from '../support/stand-in-prometheus.ts'
import { describeStrategies } from '../support/strategy-scenarios.ts'
import { describeTargets } from '../support/target-scenarios.ts'

describe.skipIf(isKubectlMissing('releases on the local platform'))('on the local platform', () => {
  let platform: SluiceLocal
  let prometheus: StandInPrometheus

  beforeAll(async () => {
    prometheus = await startStandInPrometheus()
    platform = await startSluiceLocal()
    for (const image of images) await platform.client.apply(localImageKind, image as LocalImage, { force: true })
  })

  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]()
    await prometheus?.[Symbol.asyncDispose]()
  })

  const stage = (): Stage => ({
    client: platform.client,
    clientAs: (fieldManager) => createKubeClient({ kubeconfig: platform.kubeconfig, fieldManager }),
    prometheus,
    podSpec: {},
  })

  describeReleases(stage)
  describeStrategies(stage)
  describeGates(stage)
  describePolicies(stage)
  describeTargets(stage)
  describeOwnership(stage)
  describeStalling(stage)
})

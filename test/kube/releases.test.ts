import { afterAll, beforeAll, describe } from 'vitest'
import { controlPlaneTools } from '../support/control-plane.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { type KubeStage, startKubeStage } from '../support/kube-stage.ts'
import { describeReleases } from '../support/release-scenarios.ts'

const skipped = skipReason('releases on a real control plane', ...controlPlaneTools, 'helm')

describe.skipIf(skipped !== undefined)('on a real control plane, with the rights that the chart grants', () => {
  let stage: KubeStage

  beforeAll(async () => {
    stage = await startKubeStage()
    await stage.startController()
  }, BUILD_TIMEOUT_MS)

  afterAll(() => stage?.stop())

  describeReleases(() => stage)
})

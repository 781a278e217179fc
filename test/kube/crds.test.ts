import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allCustomResourceDefinitions,
  istioCustomResourceDefinitions,
  localCustomResourceDefinitions,
} from '../../src/api/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { describeCrds } from '../support/crd-behaviour.ts'
import { type KubeApiserver, startKubeApiserver } from '../support/kube-apiserver.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'

const skipped = skipReason('CRDs on a real kube-apiserver', 'etcd', 'kube-apiserver')

describe.skipIf(skipped !== undefined)('a real kube-apiserver', () => {
  let kube: KubeApiserver
  let warnings: readonly string[]

  beforeAll(async () => {
    kube = await startKubeApiserver()
    warnings = await applyCrds(kube, [
      ...allCustomResourceDefinitions,
      ...istioCustomResourceDefinitions,
      ...localCustomResourceDefinitions,
    ])
  }, BUILD_TIMEOUT_MS)

  afterAll(() => kube?.stop())

  test('serves every CRD and warns of none', () => {
    expect(warnings).toEqual([])
  })

  describeCrds((...args) => kube.request(...args))
})

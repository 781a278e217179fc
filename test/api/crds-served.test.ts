import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allCustomResourceDefinitions,
  istioCustomResourceDefinitions,
  localCustomResourceDefinitions,
} from '../../src/api/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { describeCrds } from '../support/crd-behaviour.ts'
import { type LocalApiServer, startLocalApiServer } from '../support/local-api-server.ts'

describe('the local API server', () => {
  let kube: LocalApiServer
  let warnings: readonly string[]

  beforeAll(async () => {
    kube = await startLocalApiServer()
    warnings = await applyCrds(kube, [
      ...allCustomResourceDefinitions,
      ...istioCustomResourceDefinitions,
      ...localCustomResourceDefinitions,
    ])
  })

  afterAll(() => kube?.stop())

  test('serves every CRD and warns of none', () => {
    expect(warnings).toEqual([])
  })

  describeCrds((...args) => kube.request(...args))
})

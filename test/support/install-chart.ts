import { expect } from 'vitest'
import type { ApiRequest } from './api-request.ts'
import { eventually } from './eventually.ts'
import { CHART, type Helm } from './helm.ts'

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** `helm install` of the chart, and then until its kinds are served: the API server takes CRDs before it serves them. */
export async function installChart(
  { request }: { readonly request: ApiRequest },
  helm: Helm,
  ...flags: readonly string[]
): Promise<void> {
  const { code, stderr } = await helm.run('install', 'sluice', CHART, ...flags)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { body } = await request('GET', CRDS)
  for (const { spec } of body.items) {
    for (const { name } of spec.versions.filter(({ served }: { served: boolean }) => served)) {
      const path = `/apis/${spec.group}/${name}/${spec.names.plural}`
      await eventually(async () => (await request('GET', path)).status === 200, { within: 60_000, what: path })
    }
  }
}

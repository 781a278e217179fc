import { deploymentKind, endpointSliceKind, serviceKind } from '../../src/api/index.ts'
import type { MemoryApi } from '../support/memory-api.ts'
import { describeSelector, imageOf } from './modelled-cluster.ts'

type Name = 'web' | 'web-primary'

/** What the two versions of a release are, be it a Deployment or a Service that is released. */
export interface Versions {
  readonly isService: boolean
  /** The version of this number, as runs name it. */
  named(number: number): string
  /** What a name runs now, or leads to. */
  of(name: Name): string | undefined
  isDown(name: Name): boolean
}

export function createVersions(api: MemoryApi, isService: boolean): Versions {
  const deploymentOf = (name: Name) => api.list(deploymentKind).find(({ metadata }) => metadata.name === name)
  const serviceOf = (name: Name) => api.list(serviceKind).find(({ metadata }) => metadata.name === name)
  const isReady = (name: Name): boolean =>
    api
      .list(endpointSliceKind)
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
      .some(({ endpoints }) => (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false))
  if (isService) {
    return {
      isService,
      named: (number) => `app=web,version=${number}`,
      of(name) {
        const service = serviceOf(name)
        return service && describeSelector(service)
      },
      isDown: (name) => !isReady(name),
    }
  }
  return {
    isService,
    named: (number) => `web:${number}`,
    of(name) {
      const deployment = deploymentOf(name)
      return deployment && imageOf(deployment)
    },
    isDown: (name) => (deploymentOf(name)?.status?.readyReplicas ?? 0) === 0,
  }
}

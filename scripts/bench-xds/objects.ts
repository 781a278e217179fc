import type { ClusterObjects } from '../../src/mesh/istio/index.ts'
import { clusterOf } from '../../test/support/mesh-objects.ts'
import { createWorld, weightedRoute } from './world.ts'

export function createObjects(size: { readonly services: number; readonly proxies: number }): ClusterObjects {
  const { namespace, ...world } = createWorld(size)
  return clusterOf({ ...world, namespaces: [namespace], virtualServices: [weightedRoute(0)] })
}

import fc from 'fast-check'
import type { ClusterObjects } from '../../src/mesh/istio/index.ts'
import { destinationRuleOf, shopOf, virtualServiceOf } from './mesh-objects.ts'

const shop = shopOf()
const services = ['web', 'web-primary', 'web-canary', 'gone']
const destination = fc.record({
  host: fc.constantFrom(...services),
  subset: fc.option(fc.constantFrom('v1', 'v9'), { nil: undefined }),
})
/** A shop of which anything may be missing, and routes that lead anywhere. */
export const anyClusterObjects: fc.Arbitrary<ClusterObjects> = fc
  .record({
    services: fc.subarray([...shop.services]),
    pods: fc.subarray([...shop.pods]),
    endpointSlices: fc.subarray([...shop.endpointSlices]),
    gateways: fc.subarray([...shop.gateways]),
    routes: fc.array(
      fc.record({
        host: fc.constantFrom(...services, '*', '*.example'),
        destinations: fc.array(fc.tuple(destination, fc.integer({ min: 0, max: 100 })), { minLength: 1, maxLength: 3 }),
        mirror: fc.option(destination, { nil: undefined }),
        gateways: fc.subarray(['mesh', 'public'], { minLength: 1 }),
      }),
      { maxLength: 4 },
    ),
    hasSubsets: fc.boolean(),
  })
  .map(({ routes, hasSubsets, ...rest }) => ({
    ...shop,
    ...rest,
    destinationRules: hasSubsets ? [destinationRuleOf('web', { host: 'web', subsets: [{ name: 'v1' }] })] : [],
    virtualServices: routes.map(({ host, destinations, mirror, gateways }, index) =>
      virtualServiceOf(`route-${index}`, {
        hosts: [host],
        gateways,
        http: [
          {
            route: destinations.map(([{ host: target, subset }, weight]) => ({
              destination: { host: target, ...(subset ? { subset } : {}) },
              weight,
            })),
            ...(mirror ? { mirror: { host: mirror.host } } : {}),
          },
        ],
      }),
    ),
  }))

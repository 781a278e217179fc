import { expect, test } from 'vitest'
import { canaryKind, destinationRuleKind, type VirtualService, virtualServiceKind } from '../../src/api/index.ts'
import { eventually } from '../support/eventually.ts'
import { type Stage, startStagedApp } from '../support/staged-app.ts'

const WITHIN = { within: 120_000 }

const pool = (http2MaxRequests: number) => ({ connectionPool: { http: { http2MaxRequests } } })

/** What a Canary writes beside weights, where Istio itself routes. */
export function describeRoutes(stage: () => Stage): void {
  const routeIn = (namespace: string): Promise<VirtualService | undefined> =>
    stage().client.get(virtualServiceKind, { namespace, name: 'web' })

  const isGone = async (namespace: string) =>
    expect(await stage().client.get(canaryKind, { namespace, name: 'web' })).toBeUndefined()

  test.concurrent('a traffic policy is that of both versions, for as long as the Canary has one', async () => {
    const { client } = stage()
    const namespace = 'policed'
    const service = { port: 80, targetPort: 8080, trafficPolicy: pool(10) }
    const app = await startStagedApp(stage(), { namespace, spec: { service }, analysis: { mirror: false } })
    const policies = async () => {
      const { items } = await client.list(destinationRuleKind, { namespace })
      return Object.fromEntries(items.map(({ metadata, spec }) => [metadata.name, [spec.host, spec.trafficPolicy]]))
    }
    const ofBoth = (trafficPolicy: object) => ({
      'web-canary': ['web-canary', trafficPolicy],
      'web-primary': ['web-primary', trafficPolicy],
    })
    const say = (trafficPolicy: object | null) =>
      client.patch(canaryKind, { namespace, name: 'web' }, { spec: { service: { trafficPolicy } } }, { type: 'merge' })
    const become = (policy: object) => eventually(async () => expect(await policies()).toEqual(policy), WITHIN)

    expect(await policies()).toEqual(ofBoth(pool(10)))
    await say(pool(20))
    await become(ofBoth(pool(20)))
    await app.setImage('1.1.0')
    expect((await app.ended('1.1.0')).status?.phase).toBe('Succeeded')
    expect(app.routes).toEqual(['0+0', '50+0', '0+0'])
    await say(null)
    await become({})
    await say(pool(30))
    await become(ofBoth(pool(30)))
    await client.delete(canaryKind, { namespace, name: 'web' })
    await eventually(() => isGone(namespace), WITHIN)
    await become({})
    await app.stop()
  }, 300_000)

  test.concurrent('a delegate has neither hosts nor gateways, and outlives its Canary', async () => {
    const { client } = stage()
    const namespace = 'delegated'
    const service = { port: 80, targetPort: 8080, delegation: true }
    const app = await startStagedApp(stage(), { namespace, spec: { service } })
    const reach = async () => {
      const { hosts = [], gateways = [] } = (await routeIn(namespace))?.spec ?? {}
      return { hosts, gateways }
    }
    expect(await reach()).toEqual({ hosts: [], gateways: [] })
    await app.setImage('1.1.0')
    expect((await app.ended('1.1.0')).status?.phase).toBe('Succeeded')
    expect(app.routes).toEqual(['0+0', '0+100', '50+0', '0+0'])
    expect(await reach()).toEqual({ hosts: [], gateways: [] })

    await client.delete(canaryKind, { namespace, name: 'web' })
    await eventually(() => isGone(namespace), WITHIN)
    const left = await routeIn(namespace)
    expect(left?.spec.http?.map(({ route }) => route)).toEqual([[{ destination: { host: 'web' } }]])
    expect(left?.metadata.ownerReferences).toBeUndefined()
    await app.stop()
  }, 300_000)
}

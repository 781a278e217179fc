import { afterEach, expect, test } from 'vitest'
import { endpointSliceKind, type Pod, podKind, serviceKind } from '../../../src/api/index.ts'
import { nodeId } from '../../../src/mesh/model/index.ts'
import { eventually } from '../../support/eventually.ts'
import { createMemoryApi } from '../../support/memory-api.ts'
import { namespaceName, shopOf, sliceOf } from '../../support/mesh-objects.ts'
import { place, podToken, startMesh } from '../../support/mesh-world.ts'
import { startScriptedProxy } from '../../support/scripted-proxy.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** The proxies of two pods, one of which is an endpoint of the Service `web`. */
async function start() {
  const api = createMemoryApi(Date.now)
  const shop = shopOf()
  const find = (name: string): Pod => {
    const pod = shop.pods.find(({ metadata }) => metadata.name === name)
    if (pod === undefined) throw new Error(`the shop has no pod ${name}`)
    return pod
  }
  for (const object of shop.services) await place(api, serviceKind, object)
  for (const name of ['client-0', 'web-primary-0']) await place(api, podKind, find(name))
  const endpoints = (...pods: readonly Pod[]) => place(api, endpointSliceKind, sliceOf('web', pods))
  await endpoints(find('web-primary-0'))
  const mesh = await startMesh({ api, host: '127.0.0.1' })
  stops.push(mesh.stop)
  const connect = (pod: string) => {
    const address = find(pod).status?.podIP ?? ''
    const id = nodeId({ role: 'sidecar', address, pod, namespace: namespaceName })
    const proxy = startScriptedProxy({ address: '127.0.0.1', port: mesh.port, id, token: podToken(pod) })
    stops.push(proxy.stop)
    return proxy
  }
  const proxies = { client: connect('client-0'), web: connect('web-primary-0') }
  const untilEndpoints = (state: { readonly [proxy: string]: string }) =>
    eventually(() => {
      const seen = mesh.views.statuses().map(({ proxy, types }) => [proxy, types.endpoints])
      expect(Object.fromEntries(seen)).toEqual(state)
    })
  await untilEndpoints({ 'client-0.shop': 'SYNCED', 'web-primary-0.shop': 'SYNCED' })
  const address = find('web-primary-0').status?.podIP ?? ''
  const ask = (signal = new AbortController().signal) => {
    const asked = { answer: undefined as boolean | undefined }
    const answered = mesh.departures.untilGone(address, signal).then((answer) => {
      asked.answer = answer
      return answer
    })
    return { asked, answered }
  }
  return { api, proxies, endpoints, untilEndpoints, ask }
}

test('an endpoint is gone when every connected proxy has accepted that', async () => {
  const { proxies, endpoints, untilEndpoints, ask } = await start()
  const { asked, answered } = ask()
  proxies.client.pause()
  await endpoints()
  await untilEndpoints({ 'client-0.shop': 'STALE', 'web-primary-0.shop': 'SYNCED' })
  expect(asked.answer).toBeUndefined()
  proxies.client.resume()
  expect(await answered).toBe(true)
})

test('what is asked after the endpoint has left the configuration waits for the proxies too', async () => {
  const { proxies, endpoints, untilEndpoints, ask } = await start()
  proxies.client.pause()
  await endpoints()
  await untilEndpoints({ 'client-0.shop': 'STALE', 'web-primary-0.shop': 'SYNCED' })
  const { asked, answered } = ask()
  // Another question, answered meanwhile.
  expect(await ask(AbortSignal.abort()).answered).toBe(false)
  expect(asked.answer).toBeUndefined()
  proxies.client.resume()
  expect(await answered).toBe(true)
})

test('a proxy that rejects its endpoints, or whose pod is gone, is not waited for', async () => {
  const { api, proxies, endpoints, ask } = await start()
  proxies.client.reject('endpoints', 'no such thing')
  proxies.web.pause()
  await endpoints()
  const { answered } = ask()
  await api.client('test').delete(podKind, { namespace: namespaceName, name: 'web-primary-0' })
  expect(await answered).toBe(true)
})

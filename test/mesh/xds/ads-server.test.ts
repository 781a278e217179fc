import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { type AdsServer, createAdsServer } from '../../../src/mesh/xds/index.ts'
import { silentLogger } from '../../../src/runtime/index.ts'
import { createTlsAuthority } from '../../support/tls-authority.ts'

let server: AdsServer | undefined
afterEach(() => server?.close())

const authority = await createTlsAuthority()
const issue = async () => {
  const { certificateChain, privateKey } = await authority.issue(['xds.example'])
  return { certificateChain, privateKey }
}

const serve = async (first?: Awaited<ReturnType<typeof issue>>) => {
  let current = first
  const listeners = new Set<() => void>()
  const certificate = {
    current: () => current,
    onChange(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  server = createAdsServer({ host: '127.0.0.1', port: 0, certificate, log: silentLogger })
  const port = await server.listen()
  return {
    /** The serial number that the server shows, or undefined where it shows none. */
    async shown(): Promise<string | undefined> {
      const socket = connect({ host: '127.0.0.1', port, servername: 'xds.example', ca: authority.root })
      try {
        await once(socket, 'secureConnect')
        return socket.getPeerCertificate().serialNumber
      } catch {
        return undefined
      } finally {
        socket.destroy()
      }
    },
    replace(next: Awaited<ReturnType<typeof issue>>): void {
      current = next
      for (const listener of listeners) listener()
    },
  }
}

test('a certificate that is there before it listens is shown at once, as after a restart', async () => {
  const { shown } = await serve(await issue())
  expect(await shown()).toBeDefined()
})

test('a certificate may come and change while it serves', async () => {
  const { shown, replace } = await serve()
  expect(await shown()).toBeUndefined()
  replace(await issue())
  const first = await shown()
  replace(await issue())
  const second = await shown()
  expect(first).toBeDefined()
  expect(second).toBeDefined()
  expect(second).not.toBe(first)
})

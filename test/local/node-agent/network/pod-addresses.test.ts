import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAddressPool } from '../../../../src/local/node-agent/network/address-pool.ts'
import {
  addressAnnotations,
  createPodAddressBook,
  serviceAddressesFrom,
} from '../../../../src/local/node-agent/network/pod-addresses.ts'
import { podOf, serviceOf } from '../../../support/workload-objects.ts'

describe('a pool', () => {
  test('gives addresses in turn and lets a freed one rest', () => {
    const pool = createAddressPool('127.70', 1, 1)
    const [first, second] = [pool.take(), pool.take()]
    pool.release(first)
    expect([first, second, pool.take()]).toEqual(['127.70.1.1', '127.70.1.2', '127.70.1.3'])
  })

  test('says when all are taken', () => {
    const pool = createAddressPool('127.70', 2, 2)
    for (let taken = 0; taken < 254; taken += 1) pool.take()
    expect(() => pool.take()).toThrow('all 254 addresses from 127.70.2.1 to 127.70.2.254 are taken')
  })

  test('reserves only what is its own and free', () => {
    const pool = createAddressPool('127.70', 1, 2)
    const asked = ['127.70.1.1', '127.70.1.1', '127.70.3.1', '127.71.1.1', '127.70.1.255', '127.70.2.254']
    expect(asked.map((address) => pool.reserve(address))).toEqual([true, false, false, false, false, true])
    expect(pool.take()).toBe('127.70.1.2')
  })

  test('never gives one address twice', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 400 }), (steps) => {
        const pool = createAddressPool('127.70', 1, 2)
        const held = new Set<string>()
        for (const step of steps) {
          const address = pool.take()
          expect(held.has(address)).toBe(false)
          held.add(address)
          for (const freed of [...held].slice(0, step)) {
            pool.release(freed)
            held.delete(freed)
          }
        }
      }),
    )
  })
})

describe('a pod', () => {
  const service = (name: string) => ({ ...serviceOf({ clusterIP: `127.70.128.${name.length}` }, name) })
  const other = { ...service('far'), metadata: { name: 'far', namespace: 'other' } }
  const headless = serviceOf({ clusterIP: 'None' }, 'headless')

  test('with a sidecar has its own address for each Service of its namespace', () => {
    const pod = podOf('web')
    const addresses = createPodAddressBook('127.70').assign(pod, 'sidecar')
    expect(addresses.follow([service('db'), service('web'), other, headless])).toBe(true)
    expect(addressAnnotations(addresses, 'sidecar')).toEqual({
      'local.sluice.dev/app-address': '127.70.65.1',
      'local.sluice.dev/service-addresses': '{"test/db":"127.70.160.1","test/web":"127.70.160.2"}',
    })
    expect(addresses.follow([service('db'), service('web'), other, headless])).toBe(false)
    expect(addresses.follow([service('web'), service('cache')])).toBe(true)
    expect(Object.fromEntries(addresses.services)).toEqual({ 'test/web': '127.70.160.2', 'test/cache': '127.70.160.3' })
    expect(serviceAddressesFrom(pod, addresses, [service('web'), other])).toEqual([
      { service: service('web'), address: '127.70.160.2' },
    ])
  })

  test('without one uses the addresses of the Services and listens at its own', () => {
    const pod = podOf('web')
    const addresses = createPodAddressBook('127.70').assign(pod, 'none')
    expect([addresses.follow([service('db')]), addresses.podIP, addresses.host]).toEqual([
      false,
      '127.70.1.1',
      '127.70.1.1',
    ])
    expect(addressAnnotations(addresses, 'none')).toEqual({})
    expect(serviceAddressesFrom(pod, addresses, [service('db')])).toEqual([
      { service: service('db'), address: '127.70.128.2' },
    ])
  })

  test('keeps what an earlier run gave it, and no other gets that', () => {
    const book = createPodAddressBook('127.70')
    const known = podOf('known', { podIP: '127.70.1.1' })
    const annotated = {
      ...known,
      metadata: {
        ...known.metadata,
        annotations: { 'local.sluice.dev/service-addresses': '{"test/web":"127.70.160.1"}' },
      },
    }
    book.remember(annotated)
    const fresh = book.assign(podOf('fresh'), 'sidecar')
    fresh.follow([service('web')])
    const kept = book.assign(annotated, 'sidecar')
    expect([fresh.podIP, fresh.services.get('test/web')]).toEqual(['127.70.1.2', '127.70.160.2'])
    expect([kept.podIP, kept.services.get('test/web')]).toEqual(['127.70.1.1', '127.70.160.1'])
  })

  test('gets new addresses where the block is another one', () => {
    const book = createPodAddressBook('127.71')
    const moved = podOf('moved', { podIP: '127.70.1.9' })
    book.remember(moved)
    expect(book.assign(moved, 'sidecar').podIP).toBe('127.71.1.1')
  })
})

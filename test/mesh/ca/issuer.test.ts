import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  createIssuer,
  createPodToken,
  createSelfSignedAuthority,
  openAuthority,
  readPodToken,
} from '../../../src/mesh/ca/index.ts'
import { renewAtMs } from '../../../src/mesh/ca/rotation.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'

const identity = (name: string) => `spiffe://cluster.local/ns/shop/sa/${name}`

async function authority() {
  const opened = await openAuthority(await createSelfSignedAuthority(Date.now()), Date.now())
  if (!opened.ok) throw new Error(opened.error)
  return opened.value
}

async function running(leafLifetimeMs: number) {
  let rounds = 0
  const stop = new AbortController()
  const issuer = createIssuer({
    clock: systemClock,
    log: silentLogger,
    random: () => 0,
    leafLifetimeMs,
    issued: () => {
      rounds += 1
    },
    failed: () => expect.unreachable('nothing fails here'),
  })
  const ended = issuer.start(stop.signal)
  return {
    issuer,
    rounds: () => rounds,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}

describe('issuer', () => {
  test('issues for what is wanted, and forgets what is not', async () => {
    await using run = await running(3600_000)
    run.issuer.want([identity('web'), identity('client')])
    run.issuer.use(await authority())
    await eventually(() => expect(run.rounds()).toBe(1))
    const leaf = run.issuer.leafOf(identity('client'))
    expect(new X509Certificate(leaf?.certificateChain ?? '').subjectAltName).toBe(`URI:${identity('client')}`)
    run.issuer.want([identity('web')])
    expect(run.issuer.leafOf(identity('client'))).toBeUndefined()
  })

  test('replaces leaves at half of their life, and all of them when the authority changes', async () => {
    await using run = await running(200_000)
    const [first, second] = [await authority(), await authority()]
    run.issuer.use(first)
    run.issuer.want([identity('web')])
    await eventually(() => expect(run.rounds()).toBe(1))
    const chain = () => run.issuer.leafOf(identity('web'))?.certificateChain ?? ''
    const isFrom = (root: string) => new X509Certificate(chain()).verify(new X509Certificate(root).publicKey)
    expect(isFrom(first.root)).toBe(true)
    run.issuer.use(second)
    await eventually(() => expect(isFrom(second.root)).toBe(true))
  })
})

test('a leaf is renewed at half of its life, up to a tenth of it earlier', () => {
  const leaf = { issuedAtMs: 1_000, notAfterMs: 2_000 }
  expect([0, 0.5, 1].map((random) => renewAtMs(leaf, random))).toEqual([1_500, 1_450, 1_400])
})

describe('pod tokens', () => {
  const pod = { namespace: 'shop', pod: 'web-0' }
  const token = createPodToken('key', pod)
  test('say who the pod is to whoever has the key', () => expect(readPodToken('key', token)).toEqual(pod))
  test.each([
    ['of another key', createPodToken('other', pod)],
    ['with other claims', `${createPodToken('key', { ...pod, pod: 'api-0' }).split('.')[0]}.${token.split('.')[1]}`],
    ['cut short', token.slice(0, -1)],
    ['empty', ''],
    ['without a signature', `${token.split('.')[0]}.`],
  ])('%s are refused', (_, shown) => expect(readPodToken('key', shown)).toBeUndefined())
})

import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DeltaDiscoveryRequestSchema } from '../../../src/mesh/envoy/index.ts'
import { readAcceptance } from '../../../src/mesh/xds/acceptance.ts'
import { incremental } from '../../../src/mesh/xds/protocols.ts'

const encode = (fields: Parameters<typeof create<typeof DeltaDiscoveryRequestSchema>>[1]): Buffer =>
  Buffer.from(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, fields)))

const text = fc.string({ unit: 'grapheme', maxLength: 150 })
const none = { subscribe: [], unsubscribe: [], initialVersions: {} }

describe('an acceptance', () => {
  test('is read as the whole message would be', () => {
    fc.assert(
      fc.property(text, text, (typeUrl, responseNonce) => {
        const { request } = incremental.read(encode({ typeUrl, responseNonce }))
        expect(request).toEqual({ ...none, typeUrl, responseNonce })
      }),
    )
  })

  const typeUrl = 'type.googleapis.com/envoy.config.route.v3.VirtualHost'
  const rows: readonly (readonly [string, Buffer])[] = [
    ['rejects', encode({ typeUrl, responseNonce: '1', errorDetail: { code: 3, message: '' } })],
    ['asks for more', encode({ typeUrl, responseNonce: '1', resourceNamesSubscribe: ['a'] })],
    ['asks for less', encode({ typeUrl, responseNonce: '1', resourceNamesUnsubscribe: ['a'] })],
    ['tells what it has', encode({ typeUrl, responseNonce: '1', initialResourceVersions: { a: '1' } })],
    ['answers nothing', encode({ typeUrl })],
    ['says who it is', encode({ typeUrl, responseNonce: '1', node: { id: 'sidecar' } })],
    ['ends early', encode({ typeUrl, responseNonce: '12' }).subarray(0, -1)],
  ]
  test.each(rows)('is not what %s', (_, bytes) => {
    expect(readAcceptance(bytes)).toBeUndefined()
  })
})

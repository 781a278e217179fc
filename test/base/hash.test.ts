import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashText } from '../../src/base/hash.ts'
import { canonicalJson, hashValue } from '../../src/base/index.ts'

test('canonical JSON sorts keys at every depth and drops undefined', () => {
  expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}')
})

test('the order of keys does not change a hash, and a value does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const turned = Object.fromEntries(Object.entries(object).reverse())
      expect(hashValue(turned)).toBe(hashValue(object))
      expect(hashValue({ object })).not.toBe(hashValue({ object, more: 1 }))
    }),
  )
})

test('a hash stays what it was: releases are recorded by it', () => {
  expect(hashValue({ image: 'web:1.0.0', replicas: 2 })).toMatchInlineSnapshot(`"afd90c11cc3ab29c"`)
})

test('is FNV-1a of 64 bits', () => {
  const reference = (text: string) => {
    let hash = 0xcbf29ce484222325n
    for (const byte of new TextEncoder().encode(text)) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
    }
    return hash.toString(16).padStart(16, '0')
  }
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => hashText(text) === reference(text)))
})

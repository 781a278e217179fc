import { create } from '@bufbuild/protobuf'
import type { HashKey } from '../model/index.ts'
import { type HashPolicy, HashPolicySchema } from './api.ts'
import { duration } from './messages.ts'

/** What a route takes of its requests for clusters that choose endpoints by hash. */
export const renderHashKey = (key: HashKey): HashPolicy =>
  create(HashPolicySchema, { policySpecifier: policySpecifier(key) })

function policySpecifier(key: HashKey): HashPolicy['policySpecifier'] {
  switch (key.kind) {
    case 'header':
      return create(HashPolicySchema, { policySpecifier: { case: 'header', value: { headerName: key.name } } })
        .policySpecifier
    case 'query':
      return create(HashPolicySchema, { policySpecifier: { case: 'queryParameter', value: { name: key.name } } })
        .policySpecifier
    case 'cookie': {
      const value = {
        name: key.name,
        ...(key.path === undefined ? {} : { path: key.path }),
        ...(key.ttlMs === undefined ? {} : { ttl: duration(key.ttlMs) }),
        attributes: (key.attributes ?? []).map((attribute) => ({ ...attribute })),
      }
      return create(HashPolicySchema, { policySpecifier: { case: 'cookie', value } }).policySpecifier
    }
    case 'source-address':
      return create(HashPolicySchema, { policySpecifier: { case: 'connectionProperties', value: { sourceIp: true } } })
        .policySpecifier
    default:
      return key satisfies never
  }
}

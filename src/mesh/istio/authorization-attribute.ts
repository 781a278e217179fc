import type { Attribute } from '../model/index.ts'

const plainKeys: Readonly<Record<string, Attribute>> = {
  'source.ip': { kind: 'directIp' },
  'remote.ip': { kind: 'remoteIp' },
  'source.namespace': { kind: 'namespace' },
  'source.principal': { kind: 'principal' },
  'source.serviceAccount': { kind: 'serviceAccount' },
  'request.auth.principal': { kind: 'requestPrincipal' },
  'request.auth.audiences': { kind: 'claim', path: ['aud'] },
  'request.auth.presenter': { kind: 'claim', path: ['azp'] },
  'destination.ip': { kind: 'destinationIp' },
  'destination.port': { kind: 'port' },
  'connection.sni': { kind: 'sni' },
}

/** What a key of `when` asks for; undefined for one that there is not. */
export function attributeOf(key: string): Attribute | undefined {
  const header = /^request\.headers\[([^\]]+)\]$/.exec(key)?.[1]
  if (header !== undefined) return { kind: 'header', name: header.toLowerCase() }
  const claims = /^request\.auth\.claims((?:\[[^\]]+\])+)$/.exec(key)?.[1]
  if (claims !== undefined) return { kind: 'claim', path: claims.slice(1, -1).split('][') }
  return plainKeys[key]
}

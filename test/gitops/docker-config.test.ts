import { expect, test } from 'vitest'
import { readDockerConfig } from '../../src/gitops/docker-config.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const secret = (data: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'pull', namespace: 'shop' },
  data,
})
const config = (auths: object) => secret({ '.dockerconfigjson': base64(JSON.stringify({ auths })) })
const me = { ok: true, value: { username: 'me', password: 'pass:word' } }
const entry = { username: 'me', password: 'pass:word' }

test.each([
  ['plain fields', config({ 'reg.example.com': entry }), 'reg.example.com', me],
  ['the auth field', config({ 'reg.example.com:5000': { auth: base64('me:pass:word') } }), 'reg.example.com:5000', me],
  ['a key with scheme and path', config({ 'https://reg.example.com/v2/': entry }), 'reg.example.com', me],
  ["Docker's own registry", config({ 'https://index.docker.io/v1/': entry }), 'docker.io', me],
  [
    'another registry only',
    config({ 'other.example.com': entry }),
    'reg.example.com',
    { ok: false, error: 'Secret pull has no entry for registry reg.example.com' },
  ],
  [
    'an entry without password',
    config({ 'reg.example.com': { username: 'me' } }),
    'reg.example.com',
    { ok: false, error: 'Secret pull: the entry for registry reg.example.com has no username and password' },
  ],
  [
    'another sort of Secret',
    secret({ password: 'x' }),
    'reg.example.com',
    {
      ok: false,
      error: 'Secret pull has no key .dockerconfigjson; make it with kubectl create secret docker-registry',
    },
  ],
  [
    'text that is no JSON',
    secret({ '.dockerconfigjson': base64('hunter2') }),
    'reg.example.com',
    { ok: false, error: 'Secret pull: .dockerconfigjson is not a Docker configuration with "auths"' },
  ],
])('%s', (_, given, registry, expected) => expect(readDockerConfig(given, registry)).toEqual(expected))

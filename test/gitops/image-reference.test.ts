import { expect, test } from 'vitest'
import { parseImage, parseRepository } from '../../src/gitops/image-reference.ts'

const docker = (path: string) => ({ registry: 'docker.io', path })

test.each([
  ['web', { text: 'web', repository: docker('library/web'), tag: undefined }],
  ['web:1.2', { text: 'web', repository: docker('library/web'), tag: '1.2' }],
  ['team/web:v1@sha256:abc', { text: 'team/web', repository: docker('team/web'), tag: 'v1' }],
  ['docker.io/web:1', { text: 'docker.io/web', repository: docker('library/web'), tag: '1' }],
  ['localhost/web', { text: 'localhost/web', repository: { registry: 'localhost', path: 'web' }, tag: undefined }],
  [
    '127.0.0.1:5000/a/b__c:2',
    { text: '127.0.0.1:5000/a/b__c', repository: { registry: '127.0.0.1:5000', path: 'a/b__c' }, tag: '2' },
  ],
  ['', undefined],
  ['Web', undefined],
  ['reg.example.com/', undefined],
  ['user:pw@reg.example.com/web', undefined],
  ['reg.example.com/../secrets', undefined],
  ['reg.example.com/web?x=1', undefined],
  [`${'a/'.repeat(300)}a`, undefined],
])('the image %s', (text, expected) => expect(parseImage(text)).toEqual(expected))

test.each([
  ['reg.example.com:5000/team/web', { ok: true, value: { registry: 'reg.example.com:5000', path: 'team/web' } }],
  [
    'team/web:1.0',
    { ok: false, error: 'spec.image: "team/web:1.0" must not carry a tag or digest; the policy chooses it' },
  ],
  ['a b', { ok: false, error: 'spec.image is not a repository such as registry.example.com/team/web' }],
])('the repository %s', (text, expected) => expect(parseRepository(text)).toEqual(expected))

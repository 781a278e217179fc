import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { LocalImage } from '../../../../src/api/index.ts'
import { commandLine, parseImageName, resolveImage } from '../../../../src/local/node-agent/spec/local-image.ts'

const image = (name: string, spec: Partial<LocalImage['spec']>): LocalImage => ({
  apiVersion: 'local.sluice.dev/v1',
  kind: 'LocalImage',
  metadata: { name },
  spec: { repository: 'demo/web', tagPattern: '.*', argv: ['web'], ...spec },
})

test.each([
  ['web', { repository: 'web', tag: 'latest' }],
  ['demo/web:1.2', { repository: 'demo/web', tag: '1.2' }],
  ['localhost:5000/demo/web', { repository: 'localhost:5000/demo/web', tag: 'latest' }],
  ['localhost:5000/demo/web:1.2', { repository: 'localhost:5000/demo/web', tag: '1.2' }],
  ['demo/web:1.2@sha256:abc', { repository: 'demo/web', tag: '1.2' }],
])('%s is read', (text, expected) => {
  expect(parseImageName(text)).toEqual(expected)
})

describe('an image', () => {
  test('becomes a program with the tag filled in, without a shell', () => {
    const spec = {
      repository: 'demo/web',
      tagPattern: '1\\..*',
      argv: ['/bin/web', '--version={{ tag }}', '{{tag}}; rm -rf $HOME'],
      env: { VERSION: '{{ tag }}' },
      cwd: '/srv/{{ tag }}',
    }
    const digest = createHash('sha256')
      .update(
        '{"spec":{"argv":["/bin/web","--version={{ tag }}","{{tag}}; rm -rf $HOME"],"cwd":"/srv/{{ tag }}","env":{"VERSION":"{{ tag }}"},"repository":"demo/web","tagPattern":"1\\\\..*"},"tag":"1.2"}',
      )
      .digest('hex')
    expect(resolveImage([image('web', spec)], 'demo/web:1.2')).toEqual({
      ok: true,
      value: {
        argv: ['/bin/web', '--version=1.2', '1.2; rm -rf $HOME'],
        env: { VERSION: '1.2' },
        cwd: '/srv/1.2',
        imageID: `demo/web@sha256:${digest}`,
      },
    })
  })

  test('a pattern must match the whole tag, and the first object by name wins', () => {
    const images = [
      image('c', { argv: ['c'] }),
      image('a', { tagPattern: '1', argv: ['a'] }),
      image('b', { tagPattern: '1.*', argv: ['b'] }),
    ]
    const argvOf = (tag: string) => {
      const program = resolveImage(images, `demo/web:${tag}`)
      return program.ok ? program.value.argv : program.error
    }
    expect([argvOf('1'), argvOf('1.2'), argvOf('2')]).toEqual([['a'], ['b'], ['c']])
  })

  test('an unknown one says how to register it', () => {
    expect(resolveImage([], 'ghcr.io/Acme/shop:3')).toEqual({
      ok: false,
      error:
        'no LocalImage says which program "ghcr.io/Acme/shop" is. Register one: echo \'{"apiVersion":"local.sluice.dev/v1","kind":"LocalImage","metadata":{"name":"ghcr-io-acme-shop"},"spec":{"repository":"ghcr.io/Acme/shop","argv":["/path/to/program","--version={{ tag }}"]}}\' | kubectl apply -f -',
    })
  })

  test('a tag that no pattern matches names the patterns, a broken one among them', () => {
    const images = [image('web', { tagPattern: '1\\..*' }), image('bad', { tagPattern: '(' })]
    expect(resolveImage(images, 'demo/web:2')).toEqual({
      ok: false,
      error:
        'no LocalImage of repository "demo/web" matches tag "2": there is web (tagPattern "1\\..*"), bad (tagPattern "("). Change a tagPattern, or register one for this tag.',
    })
  })
})

test("the container's command replaces the image's, its args follow", () => {
  const program = { argv: ['web', '--port'], env: {}, imageID: '' }
  const container = { name: 'web', image: 'demo/web:1' }
  expect([
    commandLine(program, container),
    commandLine(program, { ...container, args: ['1'] }),
    commandLine(program, { ...container, command: ['sh'], args: ['-c', 'ls'] }),
  ]).toEqual([
    ['web', '--port'],
    ['web', '--port', '1'],
    ['sh', '-c', 'ls'],
  ])
})

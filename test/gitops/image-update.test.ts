import { expect, test } from 'vitest'
import { planImageUpdate } from '../../src/gitops/image-update.ts'
import { deploymentOf, specOf } from '../support/image-policy.ts'

const chosen = { repository: { registry: 'reg.example.com', path: 'web' }, tag: '1.2.0' }

test('changes the containers of the repository, tests what it replaces, and leaves the others', () => {
  const deployment = deploymentOf(
    'reg.example.com/web:1.0.0',
    'reg.example.com/proxy:3',
    'reg.example.com/web@sha256:abc',
  )
  expect(planImageUpdate(deployment, specOf(), chosen)).toEqual({
    ok: true,
    value: {
      changes: [
        { container: 'c0', from: 'reg.example.com/web:1.0.0', to: 'reg.example.com/web:1.2.0' },
        { container: 'c2', from: 'reg.example.com/web@sha256:abc', to: 'reg.example.com/web:1.2.0' },
      ],
      patch: [
        { op: 'test', path: '/spec/template/spec/containers/0/name', value: 'c0' },
        { op: 'test', path: '/spec/template/spec/containers/0/image', value: 'reg.example.com/web:1.0.0' },
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'reg.example.com/web:1.2.0' },
        { op: 'test', path: '/spec/template/spec/containers/2/name', value: 'c2' },
        { op: 'test', path: '/spec/template/spec/containers/2/image', value: 'reg.example.com/web@sha256:abc' },
        { op: 'replace', path: '/spec/template/spec/containers/2/image', value: 'reg.example.com/web:1.2.0' },
      ],
    },
  })
})

test.each([
  ['runs the tag', deploymentOf('reg.example.com/web:1.2.0'), specOf(), []],
  [
    'is named and runs another image',
    deploymentOf('placeholder', 'reg.example.com/web:1.0.0'),
    specOf({ targetRef: { kind: 'Deployment', name: 'web', container: 'c0' } }),
    [{ container: 'c0', from: 'placeholder', to: 'reg.example.com/web:1.2.0' }],
  ],
])('a container that %s', (_, deployment, spec, changes) =>
  expect(planImageUpdate(deployment, spec, chosen)).toMatchObject({ ok: true, value: { changes } }),
)

test('short names keep their spelling', () => {
  const docker = { repository: { registry: 'docker.io', path: 'library/web' }, tag: '2' }
  expect(planImageUpdate(deploymentOf('web:1'), specOf({ image: 'docker.io/library/web' }), docker)).toMatchObject({
    value: { changes: [{ to: 'web:2' }] },
  })
})

test.each([
  [
    specOf(),
    'no container of Deployment web runs an image of reg.example.com/web; name one in spec.targetRef.container',
  ],
  [
    specOf({ targetRef: { kind: 'Deployment', name: 'web', container: 'app' } }),
    'Deployment web has no container app; check spec.targetRef.container',
  ],
])('nothing to change is named', (spec, error) =>
  expect(planImageUpdate(deploymentOf('other:1'), spec, chosen)).toEqual({ ok: false, error }),
)

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { configMap, pod, widget, widgets } from './conformance/objects.ts'
import { type RunningApiServer, startApiServer } from './running-api-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const merge = 'application/merge-patch+json'

let server: RunningApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(() => server.stop())

const create = async (path: string, body: object) => (await server.request('POST', path, { body })).body
const status = async (path: string): Promise<number> => (await server.request('GET', path)).status
const gone = (path: string) => eventually(async () => expect(await status(path)).toBe(404))

interface Owner {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: { readonly name: string; readonly uid: string }
}

const ownedBy = (owner: Owner, more: object = {}) => ({
  ownerReferences: [
    { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, ...more },
  ],
})

describe('garbage collection', () => {
  test('deletes dependents after their owner, down the tree', async () => {
    const owner = await create(maps, configMap('owner'))
    const child = await create(maps, configMap('child', {}, ownedBy(owner)))
    await create(maps, configMap('grandchild', {}, ownedBy(child)))
    await server.request('DELETE', `${maps}/owner`)
    await gone(`${maps}/child`)
    await gone(`${maps}/grandchild`)
  })

  test('goes by uid, not by name', async () => {
    const first = await create(maps, configMap('again'))
    await server.request('DELETE', `${maps}/again`)
    await create(maps, configMap('again'))
    await create(maps, configMap('stale', {}, ownedBy(first)))
    await gone(`${maps}/stale`)
    expect(await status(`${maps}/again`)).toBe(200)
  })

  test('keeps what still has another owner, without the reference to the dead one', async () => {
    const [a, b] = [await create(maps, configMap('owner-a')), await create(maps, configMap('owner-b'))]
    const references = [...ownedBy(a).ownerReferences, ...ownedBy(b).ownerReferences]
    await create(maps, configMap('shared', {}, { ownerReferences: references }))
    await server.request('DELETE', `${maps}/owner-a`)
    await eventually(async () => {
      const { body } = await server.request('GET', `${maps}/shared`)
      expect(body.metadata.ownerReferences).toEqual(ownedBy(b).ownerReferences)
    })
  })

  test('counts an owner of another namespace as absent', async () => {
    const owner = await create('/api/v1/namespaces/kube-system/configmaps', configMap('far'))
    await create(maps, configMap('near', {}, ownedBy(owner)))
    await gone(`${maps}/near`)
  })

  test('orphan leaves dependents without owner', async () => {
    const owner = await create(maps, configMap('parent'))
    await create(maps, configMap('orphan', {}, ownedBy(owner)))
    await server.request('DELETE', `${maps}/parent`, { body: { propagationPolicy: 'Orphan' } })
    await gone(`${maps}/parent`)
    const { body } = await server.request('GET', `${maps}/orphan`)
    expect(body.metadata.ownerReferences).toBeUndefined()
  })

  test('foreground keeps the owner until what blocks it is gone', async () => {
    const owner = await create(maps, configMap('front'))
    const reference = ownedBy(owner, { blockOwnerDeletion: true })
    await create(maps, configMap('blocker', {}, { ...reference, finalizers: ['example.test/hold'] }))
    await server.request('DELETE', `${maps}/front`, { body: { propagationPolicy: 'Foreground' } })
    await eventually(async () => {
      const { body } = await server.request('GET', `${maps}/blocker`)
      expect(body.metadata.deletionTimestamp).toBeDefined()
    })
    const { body } = await server.request('GET', `${maps}/front`)
    expect(body.metadata.finalizers).toEqual(['foregroundDeletion'])
    await server.request('PATCH', `${maps}/blocker`, { body: { metadata: { finalizers: null } }, contentType: merge })
    await gone(`${maps}/front`)
  })
})

describe('namespaces', () => {
  test('have a default service account', async () => {
    await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fresh' } })
    await eventually(async () => expect(await status('/api/v1/namespaces/fresh/serviceaccounts/default')).toBe(200))
  })

  test('empty their content before they go, and take nothing new meanwhile', async () => {
    await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'leaving' } })
    const inside = '/api/v1/namespaces/leaving/configmaps'
    await create(inside, configMap('held', {}, { finalizers: ['example.test/hold'] }))
    await create('/api/v1/namespaces/leaving/pods', pod('p'))
    const { body: marked } = await server.request('DELETE', '/api/v1/namespaces/leaving')
    expect(marked.status.phase).toBe('Terminating')
    const refused = await server.request('POST', inside, { body: configMap('new') })
    expect([refused.status, refused.body.message]).toEqual([
      403,
      'configmaps "new" is forbidden: unable to create new content in namespace leaving because it is being terminated',
    ])
    await gone('/api/v1/namespaces/leaving/pods/p')
    await eventually(async () => {
      const { body } = await server.request('GET', '/api/v1/namespaces/leaving')
      expect(body.status.conditions.map(({ type, status: word }: Record<string, string>) => [type, word])).toEqual([
        ['NamespaceContentRemaining', 'True'],
        ['NamespaceFinalizersRemaining', 'True'],
      ])
    })
    await server.request('PATCH', `${inside}/held`, { body: { metadata: { finalizers: null } }, contentType: merge })
    await gone('/api/v1/namespaces/leaving')
  })
})

describe('definitions', () => {
  test('appear in discovery and take their objects with them', async () => {
    await create(crds, widgets)
    const objects = '/apis/example.test/v1/namespaces/default/widgets'
    await eventually(async () => expect(await status(objects)).toBe(200))
    await create(objects, widget('w'))
    const { body: groups } = await server.request('GET', '/apis')
    const group = groups.groups.find(({ name }: { name: string }) => name === 'example.test')
    expect(group.versions.map(({ version }: { version: string }) => version)).toEqual(['v1', 'v1beta1', 'v1alpha3'])
    await server.request('DELETE', `${crds}/widgets.example.test`)
    await gone(`${crds}/widgets.example.test`)
    expect(await status(objects)).toBe(404)
    await create(crds, widgets)
    await eventually(async () => expect((await server.request('GET', objects)).body.items).toEqual([]))
  })

  test('that take the names of another are not served', async () => {
    const names = { ...widgets.spec.names, plural: 'others', singular: 'other' }
    await create(crds, { ...widgets, metadata: { name: 'others.example.test' }, spec: { ...widgets.spec, names } })
    await eventually(async () => {
      const { body } = await server.request('GET', `${crds}/others.example.test`)
      const conditions = body.status.conditions.map(({ type, status: word }: Record<string, string>) => [type, word])
      expect(conditions).toEqual([
        ['NamesAccepted', 'False'],
        ['Established', 'False'],
      ])
    })
    expect(await status('/apis/example.test/v1/others')).toBe(404)
  })
})

import { afterEach, expect, test } from 'vitest'
import { type Secret, secretKind } from '../../../src/api/index.ts'
import { type AuthorityFiles, createSelfSignedAuthority } from '../../../src/mesh/ca/index.ts'
import { eventually } from '../../support/eventually.ts'
import { createMemoryApi } from '../../support/memory-api.ts'
import { place, type RunningMesh, startMesh } from '../../support/mesh-world.ts'

const namespace = 'istio-system'
const meshes: RunningMesh[] = []
afterEach(async () => {
  for (const mesh of meshes.splice(0)) await mesh.stop()
})

async function start(api: ReturnType<typeof createMemoryApi>): Promise<RunningMesh> {
  const mesh = await startMesh({ api, host: '127.0.0.1', certificates: { pollMs: 50, waitAtMostMs: 300 } })
  meshes.push(mesh)
  return mesh
}

const secretOf = (files: Partial<AuthorityFiles>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'cacerts', namespace },
  data: Object.fromEntries(Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
})

test('the mesh makes an authority of its own and keeps it over a restart', async () => {
  const api = createMemoryApi(Date.now)
  const roots = (await start(api)).xds.roots()
  expect(roots).toMatch(/^-----BEGIN CERTIFICATE-----/)
  await meshes.splice(0)[0]?.stop()
  expect((await start(api)).xds.roots()).toBe(roots)
})

test('an authority that cannot be used is named, and the last one stays until there is a better one', async () => {
  const api = createMemoryApi(Date.now)
  const mesh = await start(api)
  const own = mesh.xds.roots()
  const given = await createSelfSignedAuthority(Date.now())
  const expired = await createSelfSignedAuthority(Date.now() - 10_000_000, 1_000)
  const foreign = { ...given, 'root-cert.pem': own }
  for (const [files, problem] of [
    [expired, /^Secret istio-system\/cacerts: ca-cert.pem has expired/],
    [foreign, /^Secret istio-system\/cacerts: no root of root-cert.pem has signed ca-cert.pem/],
    [{}, /^Secret istio-system\/cacerts: ca-cert.pem and ca-key.pem must be there/],
  ] as const) {
    await place(api, secretKind, secretOf(files))
    await eventually(() =>
      expect(mesh.lines).toContainEqual(expect.objectContaining({ error: expect.stringMatching(problem) })),
    )
  }
  expect(mesh.xds.roots()).toBe(own)
  await place(api, secretKind, secretOf(given))
  await eventually(() => expect(mesh.xds.roots()).toContain(given['root-cert.pem'].trim()))
  expect(JSON.stringify(mesh.lines)).not.toContain('PRIVATE KEY')
})

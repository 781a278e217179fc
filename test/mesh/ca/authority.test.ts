import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuthorityFiles, createSelfSignedAuthority, openAuthority } from '../../../src/mesh/ca/index.ts'

const HOUR_MS = 3600_000
/** Later than what openssl makes here. */
const now = Date.now() + 60_000
const names = [{ type: 'url' as const, value: 'spiffe://cluster.local/ns/shop/sa/web' }]
const ask = { names, now, lifetimeMs: 24 * HOUR_MS }

async function open(files: Partial<AuthorityFiles>) {
  const opened = await openAuthority(files, now)
  if (!opened.ok) throw new Error(opened.error)
  return opened.value
}

/** What openssl, which shares no code with us, thinks of a chain. */
function verify(chain: string, root: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ca-'))
  const [leafPath, rootPath] = [join(folder, 'chain.pem'), join(folder, 'root.pem')]
  writeFileSync(leafPath, chain)
  writeFileSync(rootPath, root)
  try {
    const args = ['verify', '-x509_strict', '-CAfile', rootPath, '-untrusted', leafPath, leafPath]
    return execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' }).trim().split(': ').at(-1) ?? ''
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('an authority of its own', () => {
  test('issues leaves for one SPIFFE URI, which openssl accepts', async () => {
    const authority = await open(await createSelfSignedAuthority(now))
    const leaf = await authority.issue(ask)
    const certificate = new X509Certificate(leaf.certificateChain)
    expect(verify(leaf.certificateChain, authority.root)).toBe('OK')
    expect(certificate.subjectAltName).toBe('URI:spiffe://cluster.local/ns/shop/sa/web')
    expect(certificate.subject).toBeUndefined()
    expect(certificate.ca).toBe(false)
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    expect(Date.parse(certificate.validTo)).toBe(Math.floor((now + 24 * HOUR_MS) / 1_000) * 1_000)
    expect(leaf.notAfterMs - now).toBe(24 * HOUR_MS)
  })

  test('no two leaves share a key or a number', async () => {
    const authority = await open(await createSelfSignedAuthority(now))
    const leaves = await Promise.all([authority.issue(ask), authority.issue(ask)])
    expect(new Set(leaves.map(({ privateKey }) => privateKey)).size).toBe(2)
    const serials = leaves.map(({ certificateChain }) => new X509Certificate(certificateChain).serialNumber)
    expect(new Set(serials).size).toBe(2)
  })

  test('no leaf outlives it', async () => {
    const authority = await open(await createSelfSignedAuthority(now, HOUR_MS))
    expect((await authority.issue(ask)).notAfterMs).toBe(Math.floor((now + HOUR_MS) / 1_000) * 1_000)
  })
})

describe('an authority that was made elsewhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cacerts-'))
  const run = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const read = (name: string) => execFileSync('cat', [name], { cwd: folder, encoding: 'utf8' })
  let files: AuthorityFiles
  beforeAll(() => {
    const subject = (name: string) => ['-subj', `/O=Example/CN=${name}`]
    const authority = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign']
    const root = ['-addext', 'keyUsage=critical,keyCertSign', ...subject('root')]
    run('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'root.key', '-out', 'root.pem', ...root)
    run('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.csr', ...authority, ...subject('ca'))
    const signing = ['-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-copy_extensions', 'copy']
    run('x509', '-req', '-in', 'ca.csr', '-out', 'ca.pem', '-days', '30', ...signing)
    files = {
      'ca-cert.pem': read('ca.pem'),
      'ca-key.pem': read('ca.key'),
      'cert-chain.pem': `${read('ca.pem')}${read('root.pem')}`,
      'root-cert.pem': read('root.pem'),
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('signs with its RSA key, and the chain leads to its root without the root', async () => {
    const authority = await open(files)
    const { certificateChain } = await authority.issue(ask)
    expect(verify(certificateChain, files['root-cert.pem'])).toBe('OK')
    expect(certificateChain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(authority.root).toBe(files['root-cert.pem'])
  })

  const refusals: readonly (readonly [string, () => Promise<Partial<AuthorityFiles>>, string | RegExp])[] = [
    ['nothing', async () => ({}), 'ca-cert.pem and ca-key.pem must be there'],
    [
      'text that is no PEM',
      async () => ({ ...files, 'root-cert.pem': 'hello' }),
      'root-cert.pem is not a list of certificates in PEM',
    ],
    [
      'the key of another',
      async () => ({ ...files, 'ca-key.pem': (await createSelfSignedAuthority(now))['ca-key.pem'] }),
      'ca-key.pem is not the key of ca-cert.pem',
    ],
    ['a damaged key', async () => ({ ...files, 'ca-key.pem': 'x' }), 'ca-key.pem is not the key of ca-cert.pem'],
    [
      'a foreign root',
      async () => ({ ...files, 'root-cert.pem': (await createSelfSignedAuthority(now))['root-cert.pem'] }),
      'no root of root-cert.pem has signed ca-cert.pem or its chain',
    ],
    ['an expired authority', () => createSelfSignedAuthority(now - 48 * HOUR_MS, HOUR_MS), /^ca-cert.pem has expired/],
    [
      'a leaf in the place of an authority',
      async () => {
        const leaf = await (await open(files)).issue(ask)
        return { ...files, 'ca-cert.pem': leaf.certificateChain, 'ca-key.pem': leaf.privateKey }
      },
      'ca-cert.pem is not the certificate of an authority (basicConstraints CA:TRUE is missing)',
    ],
  ]
  test.each(refusals)('%s is refused with its reason', async (_, made, reason) => {
    const opened = await openAuthority(await made(), now)
    expect(opened).toEqual({ ok: false, error: typeof reason === 'string' ? reason : expect.stringMatching(reason) })
  })
})

import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { writeSecretFile } from './secret-file.ts'

export interface ServerCertificate {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const YEAR_MS = 365 * 24 * 3600 * 1000
const RENEW_BEFORE_MS = 30 * 24 * 3600 * 1000

/** The server's certificate from its own authority: kept in the directory, made anew when it is about to expire. */
export async function loadCertificate(directory: string, host: string, now: number): Promise<ServerCertificate> {
  const files = {
    ca: join(directory, 'ca.crt'),
    cert: join(directory, 'server.crt'),
    key: join(directory, 'server.key'),
  }
  const known = Object.values(files).every(existsSync) ? readAll(files) : undefined
  if (known !== undefined && isGood(known.cert, host, now)) return known
  const made = await makeCertificate(host, now)
  writeSecretFile(files.ca, made.ca)
  writeSecretFile(files.key, made.key)
  writeSecretFile(files.cert, made.cert)
  return made
}

const readAll = (files: { readonly ca: string; readonly cert: string; readonly key: string }): ServerCertificate => ({
  ca: readFileSync(files.ca, 'utf8'),
  cert: readFileSync(files.cert, 'utf8'),
  key: readFileSync(files.key, 'utf8'),
})

function isGood(pem: string, host: string, now: number): boolean {
  try {
    const certificate = new x509.X509Certificate(pem)
    const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? []
    return certificate.notAfter.getTime() > now + RENEW_BEFORE_MS && names.some((name) => name.value === host)
  } catch {
    return false
  }
}

async function makeCertificate(host: string, now: number): Promise<ServerCertificate> {
  x509.cryptoProvider.set(webcrypto)
  const validity = { notBefore: new Date(now - 3600_000), notAfter: new Date(now + 10 * YEAR_MS) }
  const authority = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=sluice-local-ca',
    keys: authority,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authority.publicKey),
    ],
  })
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=sluice-local-apiserver',
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: host },
        { type: 'dns', value: 'localhost' },
        { type: 'dns', value: 'kubernetes.default.svc' },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END PRIVATE KEY-----\n`
  return { ca: `${ca.toString('pem')}\n`, cert: `${certificate.toString('pem')}\n`, key }
}

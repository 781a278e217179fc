import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { type Dispatcher, EnvHttpProxyAgent } from 'undici'
import type { Environment } from './tool.ts'

/** Variables by which users of Python, curl and Node name the certificates of their own authority. */
const CA_VARIABLES = ['PIP_CERT', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'] as const

/** Connections that honour the proxy and certificate variables of the environment. */
export function createDispatcher(environment: Environment, extraCaFile?: string): Dispatcher {
  const ca = [...getCACertificates('default'), ...caFiles(environment, extraCaFile).map(readCa)]
  const httpProxy = environment.http_proxy ?? environment.HTTP_PROXY ?? ''
  return new EnvHttpProxyAgent({
    connect: { ca, timeout: 10_000 },
    requestTls: { ca, timeout: 10_000 },
    proxyTls: { ca, timeout: 10_000 },
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
    httpProxy,
    httpsProxy: environment.https_proxy ?? environment.HTTPS_PROXY ?? httpProxy,
    noProxy: environment.no_proxy ?? environment.NO_PROXY ?? '',
  })
}

function caFiles(environment: Environment, extra: string | undefined): readonly string[] {
  const named = [extra, ...CA_VARIABLES.map((name) => environment[name])]
  return [...new Set(named.filter((file): file is string => file !== undefined && file !== ''))]
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(`the certificates in ${file} can not be read`, { cause })
  }
}

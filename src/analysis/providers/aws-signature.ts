import { createHash, createHmac } from 'node:crypto'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface Signable {
  readonly method: string
  readonly url: string
  /** Lower-case names; all are signed. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface SigningScope {
  readonly region: string
  readonly service: string
  readonly atMs: number
}

/** The headers of a request with AWS Signature Version 4 added. */
export function signForAws(request: Signable, credentials: AwsCredentials, scope: SigningScope) {
  const time = new Date(scope.atMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const token = credentials.sessionToken
  const signed: Readonly<Record<string, string>> = {
    ...request.headers,
    host: new URL(request.url).host,
    'x-amz-date': time,
    ...(token === undefined ? {} : { 'x-amz-security-token': token }),
  }
  const names = Object.keys(signed).sort().join(';')
  const place = `${time.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, place, sha256(canonicalRequest(request, signed, names))].join('\n')
  const seed: Buffer = Buffer.from(`AWS4${credentials.secretAccessKey}`)
  const key = place.split('/').reduce((parent, part) => hmac(parent, part), seed)
  const signature = hmac(key, text).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${place}, SignedHeaders=${names}, Signature=${signature}`
  return { ...signed, authorization }
}

function canonicalRequest({ method, url, body }: Signable, headers: Signable['headers'], names: string): string {
  const { pathname, searchParams } = new URL(url)
  const search = [...searchParams].map((pair) => pair.map(encode).join('=')).sort()
  const lines = names.split(';').map((name) => `${name}:${(headers[name] ?? '').trim().replace(/\s+/g, ' ')}\n`)
  return [method, pathname, search.join('&'), lines.join(''), names, sha256(body)].join('\n')
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

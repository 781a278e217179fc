import { request as httpsRequest } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApiServer } from '../../../src/local/api-server/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { configMap, pod } from './conformance/objects.ts'
import { type RunningApiServer, startApiServer } from './running-api-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'

let server: RunningApiServer
beforeAll(async () => {
  server = await startApiServer({
    logSource: {
      async *readLog({ pod: name, container, tailLines, follow, previous }) {
        yield Buffer.from(`${name}/${container} ${tailLines} ${follow} ${previous}\n`)
      },
    },
  })
})
afterAll(() => server.stop())

/** A raw request, to send what a client library would not. */
async function raw(path: string, headers: Record<string, string>, body?: Buffer | string) {
  const { hostname, port } = new URL(server.api.url)
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const sent = httpsRequest(
    {
      hostname,
      port,
      path,
      headers,
      ca: server.api.caCertificate,
      method: body === undefined ? 'GET' : 'POST',
      servername: 'localhost',
      agent: false,
    },
    (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    },
  )
  sent.on('error', reject)
  sent.end(body)
  return promise
}

const authorization = (): string => `Bearer ${server.api.token}`

describe('access', () => {
  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer nonsense' }],
    ['another scheme', { authorization: 'Basic nonsense' }],
  ])('%s is unauthorized, as a Status', async (_say, headers) => {
    const answer = await raw(maps, headers)
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      401,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Unauthorized',
        reason: 'Unauthorized',
        code: 401,
      },
    ])
  })

  test('a request to another host name is forbidden: a web page can not rebind a name to us', async () => {
    const answer = await raw(maps, { host: 'evil.test', authorization: authorization() })
    expect([answer.status, JSON.parse(answer.body).reason]).toEqual([403, 'Forbidden'])
  })

  test('it listens on loopback only', () => {
    const options = { host: '0.0.0.0', port: 0, dataDirectory: server.directory, clock: systemClock, log: silentLogger }
    expect(() => createApiServer(options)).toThrow('loopback address only')
  })

  test('a port in use is an error that both start and ready tell', async () => {
    const port = Number(new URL(server.api.url).port)
    const second = createApiServer({
      host: '127.0.0.1',
      port,
      dataDirectory: `${server.directory}-second`,
      clock: systemClock,
      log: silentLogger,
    })
    const started = second.start(new AbortController().signal)
    await expect(started).rejects.toThrow('EADDRINUSE')
    await expect(second.ready).rejects.toThrow('EADDRINUSE')
  })

  test('health needs no token', async () => {
    expect(await raw('/readyz', {})).toEqual({ status: 200, body: 'ok' })
  })
})

describe('hostile bodies', () => {
  const post = (body: Buffer | string, type = 'application/json') =>
    raw(maps, { authorization: authorization(), 'content-type': type }, body)

  test.each<[string, string | Buffer, string, number]>([
    ['no JSON', '{', 'application/json', 400],
    ['no object', '[]', 'application/json', 400],
    ['a prototype', '{"metadata":{"name":"x"},"data":{"__proto__":"y"}}', 'application/json', 400],
    ['too deep', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, 'application/json', 400],
    ['another type', 'x', 'text/xml', 415],
    ['too large', Buffer.alloc(3 * 1024 * 1024 + 1, 32), 'application/json', 413],
    ['protobuf that is cut off', Buffer.from('k8s\0\x0a\x7f'), 'application/vnd.kubernetes.protobuf', 400],
    [
      'protobuf of an unknown kind',
      Buffer.from('k8s\0\x0a\x07\x0a\x02v1\x12\x01X'),
      'application/vnd.kubernetes.protobuf',
      415,
    ],
  ])('%s is refused', async (_say, body, type, status) => {
    const answer = await post(body, type)
    expect([answer.status, JSON.parse(answer.body).kind]).toEqual([status, 'Status'])
  })

  test.each([
    ['merge', 'application/merge-patch+json', '{"data":{"__proto__":{"polluted":"yes"}}}'],
    ['json', 'application/json-patch+json', '[{"op":"add","path":"/__proto__/polluted","value":"yes"}]'],
    [
      'json by constructor',
      'application/json-patch+json',
      '[{"op":"add","path":"/constructor/prototype/polluted","value":"yes"}]',
    ],
    ['strategic', 'application/strategic-merge-patch+json', '{"metadata":{"labels":{"__proto__":{"polluted":"yes"}}}}'],
    ['apply', 'application/apply-patch+yaml', 'apiVersion: v1\nkind: ConfigMap\ndata: {__proto__: {polluted: "yes"}}'],
  ])('a %s patch does not reach a prototype', async (_say, type, body) => {
    await server.request('POST', maps, { body: configMap('victim') })
    const { hostname, port } = new URL(server.api.url)
    const { promise, resolve } = Promise.withResolvers<number>()
    httpsRequest(
      {
        hostname,
        port,
        path: `${maps}/victim?fieldManager=x`,
        method: 'PATCH',
        ca: server.api.caCertificate,
        headers: { authorization: authorization(), 'content-type': type },
      },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    ).end(body)
    expect(await promise).toBeGreaterThanOrEqual(400)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  test('keys named like members of Object are ordinary', async () => {
    const data = { constructor: 'a', toString: 'b', hasOwnProperty: 'c' }
    const { body } = await server.request('POST', maps, { body: configMap('ordinary', data) })
    expect(body.data).toEqual(data)
  })
})

describe('logs', () => {
  const pods = '/api/v1/namespaces/default/pods'

  test('come from the log source, with what was asked for', async () => {
    await server.request('POST', pods, { body: pod('talker') })
    const read = async (query: string) => (await server.request('GET', `${pods}/talker/log?${query}`)).body
    expect(await read('')).toBe('talker/web undefined false false\n')
    expect(await read('container=web&tailLines=5&follow=true&previous=true')).toBe('talker/web 5 true true\n')
    expect(await read('container=istio-proxy')).toBe('talker/istio-proxy undefined false false\n')
    expect((await read('container=none')).message).toBe('container none is not valid for pod talker')
  })
})

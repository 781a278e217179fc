import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import axios from 'axios'
import { Agent, request as undiciRequest } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  currentTraceHeaders,
  forwardTraceHeaders,
  type TraceHeaders,
  traceHeaders,
  traceInterceptor,
  withTrace,
  withTraceHeaders,
} from '../../packages/trace-headers/index.js'

const run = promisify(execFile)
const folder = join(import.meta.dirname, '../../packages/trace-headers')

/** Every header with a value of its own, marked by the request that has them. */
const headersOf = (mark: string): TraceHeaders =>
  Object.fromEntries(traceHeaders.map((name) => [name, `${name} of ${mark}`]))

const traceOf = (headers: object): object =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => (traceHeaders as readonly string[]).includes(name)))

let stopForwarding: () => void
let backend: Server
let backendUrl: string

/** Answers with the headers that it got. */
const startEcho = async (): Promise<Server> =>
  listening(createServer((request, response) => response.end(JSON.stringify(request.headers))))

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Of `http.get` with any arguments, by the name as it was imported. */
const getBy = (send: (answered: (response: NodeJS.ReadableStream) => void) => unknown): Promise<IncomingHttpHeaders> =>
  new Promise((resolve, reject) => {
    send((response) => text(response).then((body) => resolve(JSON.parse(body)), reject))
  })

beforeAll(async () => {
  stopForwarding = forwardTraceHeaders()
  backend = await startEcho()
  backendUrl = urlOf(backend)
})

afterAll(() => {
  stopForwarding()
  backend.closeAllConnections()
  backend.close()
})

const dispatcher = new Agent({ connections: 1 }).compose(traceInterceptor)

type Client = () => Promise<IncomingHttpHeaders>
const clients: Readonly<Record<string, Client>> = {
  'http.get(url, callback)': () => getBy((answered) => get(backendUrl, answered)),
  'http.get(URL, options)': () => getBy((answered) => get(new URL(backendUrl), { agent: false }, answered)),
  'http.get(options)': () =>
    getBy((answered) => get({ host: '127.0.0.1', port: (backend.address() as AddressInfo).port }, answered)),
  fetch: async () => (await fetch(backendUrl)).json() as Promise<IncomingHttpHeaders>,
  'fetch(Request)': async () => (await fetch(new Request(backendUrl))).json() as Promise<IncomingHttpHeaders>,
  axios: async () => (await axios.get<IncomingHttpHeaders>(backendUrl)).data,
  'undici, waiting for its only connection': async () =>
    (await undiciRequest(backendUrl, { dispatcher })).body.json() as Promise<IncomingHttpHeaders>,
}

describe.each(Object.entries(clients))('%s', (_name, client) => {
  test('sends what its own request came with, whatever else is served meanwhile', async () => {
    const server = await listening(
      createServer(
        withTrace(async (_request, response) => {
          await new Promise((resolve) => setImmediate(resolve))
          response.end(JSON.stringify(await client()))
        }),
      ),
    )
    const marks = Array.from({ length: 8 }, (_, index) => `request ${index}`)
    const answers = await Promise.all(
      marks.map(async (mark) => (await axios.get(urlOf(server), { headers: headersOf(mark) })).data as object),
    )
    expect(answers.map(traceOf)).toEqual(marks.map(headersOf))
    server.close()
  })

  test('sends nothing where no request is served', async () => {
    expect(traceOf(await client())).toEqual({})
  })
})

test('what waits for the body of the request belongs to its trace', async () => {
  const server = await listening(
    createServer(
      withTrace((request, response) => {
        request.resume()
        request.on('end', () => response.end(JSON.stringify(currentTraceHeaders())))
      }),
    ),
  )
  const { data } = await axios.post(urlOf(server), 'x'.repeat(200_000), { headers: headersOf('one') })
  expect(data).toEqual(headersOf('one'))
  server.close()
})

describe('headers that the caller gives', () => {
  const mine = { host: 'app', Traceparent: 'mine', accept: 'text/plain' }
  const forms: Readonly<Record<string, OutgoingHttpHeaders | readonly string[]>> = {
    'an object': mine,
    'names and values in turn': Object.entries(mine).flat(),
  }
  test.each(Object.entries(forms))('stay as they are: %s', async (_form, headers) => {
    const got = await withTraceHeaders({ b3: '1-2', traceparent: 'its' }, () =>
      getBy((answered) => get(backendUrl, { headers }, answered)),
    )
    expect(got).toMatchObject({ traceparent: 'mine', accept: 'text/plain', b3: '1-2' })
  })
})

test('it is put on once and taken off whole', async () => {
  const again = forwardTraceHeaders()
  again()
  const sent = await withTraceHeaders({ b3: '1-2' }, () => getBy((answered) => get(backendUrl, answered)))
  expect(sent.b3).toBeUndefined()
  stopForwarding = forwardTraceHeaders()
  const resent = await withTraceHeaders({ b3: '1-2' }, () => getBy((answered) => get(backendUrl, answered)))
  expect(resent.b3).toBe('1-2')
})

test('the package that npm packs works in a project of its own, by import and by require', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-package-'))
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', directory, folder])
  await writeFile(join(directory, 'package.json'), JSON.stringify({ name: 'app', private: true }))
  const install = ['install', '--offline', '--no-audit', '--no-fund', `./${stdout.trim()}`]
  await run('npm', install, { cwd: directory })
  const said = (module: string) => `${module}console.log(traceHeaders.length, typeof traceMiddleware)`
  const names = '{ traceHeaders, traceMiddleware }'
  await writeFile(join(directory, 'app.mjs'), said(`import ${names} from '@sluice/trace-headers'\n`))
  await writeFile(join(directory, 'app.cjs'), said(`const ${names} = require('@sluice/trace-headers')\n`))
  for (const file of ['app.mjs', 'app.cjs'])
    expect((await run(process.execPath, [join(directory, file)])).stdout).toBe('9 function\n')
  await rm(directory, { recursive: true })
})

/**
 * The service that the demo releases. Its tag decides what is wrong with it, as a bad commit would:
 * 3.x fails half of the orders, 4.x is slow to take them, 5.x fails half of the pages.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const version = process.env.VERSION ?? '0.0.0'
const major = Number(version.split('.')[0])
const received = { pages: 0, sequenced: 0, first: 0, last: 0 }
let turn = 0

const failsNow = (): boolean => {
  turn += 1
  return turn % 2 === 0
}

function recordPage(request: IncomingMessage): void {
  received.pages += 1
  const sequence = Number(request.headers['x-sequence'] ?? 0)
  if (sequence === 0) return
  received.sequenced += 1
  if (received.first === 0) received.first = sequence
  received.last = Math.max(received.last, sequence)
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-version': version })
  response.end(`${JSON.stringify(body)}\n`)
}

function takeOrder(response: ServerResponse): void {
  if (major === 3 && failsNow()) answer(response, 500, { error: 'the order could not be stored', version })
  else setTimeout(() => answer(response, 201, { order: 'taken', version }), major === 4 ? 800 : 0)
}

function showPage(request: IncomingMessage, response: ServerResponse): void {
  recordPage(request)
  if (major === 5 && failsNow()) answer(response, 500, { error: 'the page could not be rendered', version })
  else answer(response, 200, { message: 'hello', version })
}

const server = createServer((request, response) => {
  request.resume()
  if (request.url === '/healthz') answer(response, 200, { ready: true, version })
  else if (request.url === '/received') answer(response, 200, received)
  else if (request.method === 'POST') takeOrder(response)
  else showPage(request, response)
})

server.keepAliveTimeout = 120_000
server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ msg: 'listening', version })}\n`)
})
process.on('SIGTERM', () => server.close(() => process.exit(0)))

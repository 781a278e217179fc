/** A shop of one page. Its versions 3.x fail every second request, as a bad commit would. */
import { createServer } from 'node:http'

const version = process.env.VERSION ?? '0.0.0'
let requests = 0

const failsNow = () => {
  requests += 1
  return version.startsWith('3.') && requests % 2 === 0
}

const server = createServer((request, response) => {
  if (request.url === '/healthz') response.end('ready')
  else response.writeHead(failsNow() ? 500 : 200, { 'x-version': version }).end(`shop ${version}\n`)
})

server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1')
process.on('SIGTERM', () => server.close(() => process.exit(0)))

/** The meshed client of the demo: an ordinary program that calls the service by its environment variables. */
import { createServer } from 'node:http'
import { startLoad } from './load.ts'

const load = startLoad({
  address: process.env.WEB_SERVICE_HOST ?? '',
  port: Number(process.env.WEB_SERVICE_PORT),
  hostHeader: 'web',
  requestsPerSecond: Number(process.env.REQUESTS_PER_SECOND ?? 100),
  sequenced: true,
})

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ counts: load.counts(), failures: load.failures() }))
})

server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1')
process.on('SIGTERM', () => {
  void load.stop().then(() => process.exit(0))
})

/** Answers each request with as many bytes as it brought; in a process of its own, as an application would be. */
import { createServer } from 'node:http'

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length }).end(body)
})
server.keepAliveTimeout = 600_000
server.listen(Number(process.env.PORT), process.env.HOST)

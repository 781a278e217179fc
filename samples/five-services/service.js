/**
 * One of five services, by its name: it asks those that it needs, then answers with what they answered.
 * `KEEP_TRACE=no` leaves out what an application owes to the tracing of a mesh.
 */
import { createServer } from 'node:http'
import { forwardTraceHeaders, withTrace } from '../../packages/trace-headers/index.js' // npm: @sluice/trace-headers

const needs = { gateway: ['order'], order: ['inventory', 'payment'], payment: ['risk'], inventory: [], risk: [] }
const name = process.env.SERVICE_NAME ?? ''
const environment = process.env

const keepsTrace = environment.KEEP_TRACE !== 'no'
if (keepsTrace) forwardTraceHeaders()

async function ask(service, path) {
  const host = environment[`${service.toUpperCase()}_SERVICE_HOST`]
  const port = environment[`${service.toUpperCase()}_SERVICE_PORT`]
  const response = await fetch(`http://${host}:${port}${path}`, { signal: AbortSignal.timeout(5_000) })
  if (!response.ok) throw new Error(`${service} answered ${response.status}`)
  return response.json()
}

async function serve(request, response) {
  try {
    const asked = await Promise.all((needs[name] ?? []).map((service) => ask(service, request.url)))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ service: name, asked }))
  } catch (error) {
    response.writeHead(502, { 'content-type': 'application/json' }).end(JSON.stringify({ error: String(error) }))
  }
}

const listener = (request, response) => {
  if (request.url === '/healthz') response.end('ready')
  else void serve(request, response)
}

createServer(keepsTrace ? withTrace(listener) : listener).listen(
  Number(environment.PORT ?? 8080),
  environment.HOST ?? '127.0.0.1',
  () => process.stdout.write(`${JSON.stringify({ msg: 'listening', service: name })}\n`),
)
process.on('SIGTERM', () => process.exit(0))

import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { type Clock, type Logger, messageOf } from '../runtime/index.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { parseListen } from './probe-server.ts'

export interface WebhookServerOptions {
  /** `host:port`. */
  readonly listen: string
  /** A folder with `tls.crt` and `tls.key`; a changed certificate is used within a minute. */
  readonly certificateDirectory: string
  /** The answer to a body, by path. Undefined refuses the body. */
  readonly answers: Readonly<Record<string, (body: unknown) => object | undefined>>
  readonly clock: Clock
  readonly log: Logger
  readonly onListening?: (port: number) => void
}

const RELOAD_MS = 60_000
const MAX_BYTES = 8 * 1024 * 1024

/** Serves the API server's webhooks over HTTPS until the signal fires. */
export async function serveWebhooks(options: WebhookServerOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, certificateDirectory } = options
  const { host, port } = parseListen(options.listen)
  let certificate = await readCertificate(certificateDirectory)
  const server = createServer({ ...certificate, requestTimeout: 30_000 }, (request, response) => {
    void answer(options, request, response)
  })
  const closed = new Promise<void>((resolve, reject) => {
    server.on('error', (error) => reject(new CommandError(`--webhook-listen ${options.listen}: ${error.message}`)))
    server.listen(port, host, () => {
      const address = server.address()
      log.info({ address: options.listen }, 'webhooks are served')
      if (typeof address === 'object' && address !== null) options.onListening?.(address.port)
    })
    signal.addEventListener('abort', () => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  })
  const reload = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(RELOAD_MS, signal)
      if (signal.aborted) return
      try {
        const newer = await readCertificate(certificateDirectory)
        if (newer.cert !== certificate.cert || newer.key !== certificate.key) server.setSecureContext(newer)
        certificate = newer
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'the certificate of the webhooks could not be read; the last one stays')
      }
    }
  }
  await Promise.all([closed, reload()])
}

async function answer(
  { answers, log }: Pick<WebhookServerOptions, 'answers' | 'log'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const review = answers[(request.url ?? '').split('?')[0] ?? '']
    if (review === undefined || request.method !== 'POST') return void response.writeHead(404).end()
    if (Number(request.headers['content-length'] ?? MAX_BYTES) > MAX_BYTES) return void response.writeHead(413).end()
    const answered = review(await json(request))
    if (answered === undefined) return void response.writeHead(400).end('not an AdmissionReview of admission.k8s.io/v1')
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered))
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'a webhook request could not be answered')
    if (!response.headersSent) response.writeHead(400)
    response.end()
  }
}

async function readCertificate(directory: string): Promise<{ readonly cert: string; readonly key: string }> {
  try {
    const [cert, key] = await Promise.all(['tls.crt', 'tls.key'].map((file) => readFile(join(directory, file), 'utf8')))
    return { cert: cert ?? '', key: key ?? '' }
  } catch (error) {
    throw new CommandError(`--webhook-certificate ${directory}: ${messageOf(error)}`, exitCodes.usage)
  }
}

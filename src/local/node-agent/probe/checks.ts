import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { type Container, type Probe, reachablePort } from '../../../api/index.ts'
import { type Logger, messageOf, spawnChild } from '../../../runtime/index.ts'
import type { ProbeResult } from './probe-state.ts'

export interface CheckTarget {
  readonly container: Container
  /** Where the program listens: probes go past the sidecar. */
  readonly host: string
  /** The program's own environment, for exec probes. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | undefined
  readonly log: Logger
  /** The command line that runs a command where the program is. */
  readonly inside: Inside
}

export type Inside = (argv: readonly string[], user?: number) => readonly string[]

/** One look; the signal is the timeout. It never throws. */
export type Check = (signal: AbortSignal) => Promise<ProbeResult>

export function checkFor(probe: Probe, target: CheckTarget): Check {
  const { httpGet, tcpSocket, exec } = probe
  if (httpGet !== undefined) {
    const port = portNumber(httpGet.port, target)
    const isSecure = httpGet.scheme?.toUpperCase() === 'HTTPS'
    return (signal) => checkHttp({ host: target.host, port, path: httpGet.path ?? '/', isSecure, signal })
  }
  if (tcpSocket !== undefined) {
    const port = portNumber(tcpSocket.port, target)
    return (signal) => checkTcp(target.host, port, signal)
  }
  if (exec !== undefined) return (signal) => checkExec(exec.command, target, signal)
  return async () => ({ ok: false, message: 'the probe names no httpGet, tcpSocket or exec' })
}

/** Where a probe connects to, if it does: its first look can wait until somebody listens there. */
export function probedPort(probe: Probe, target: Pick<CheckTarget, 'container' | 'host'>): number | undefined {
  const port = probe.httpGet?.port ?? probe.tcpSocket?.port
  return port === undefined ? undefined : portNumber(port, target)
}

function portNumber(port: number | string, { container, host }: Pick<CheckTarget, 'container' | 'host'>): number {
  if (typeof port === 'number') return reachablePort(host, port)
  const named = container.ports?.find(({ name }) => name === port)?.containerPort
  return reachablePort(host, named ?? Number(port))
}

interface HttpCheck {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly isSecure: boolean
  readonly signal: AbortSignal
}

function checkHttp({ host, port, path, isSecure, signal }: HttpCheck): Promise<ProbeResult> {
  const options = { host, port, path, signal, agent: false, headers: { 'user-agent': 'kube-probe/local' } } as const
  return new Promise((resolve) => {
    // The certificate of a program on this machine says nothing: Kubernetes does not check it either.
    const request = isSecure ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options)
    request.on('response', (response) => {
      const status = response.statusCode ?? 0
      response.destroy()
      resolve(status >= 200 && status < 400 ? { ok: true } : failed(`HTTP probe failed with statuscode: ${status}`))
    })
    request.on('error', (error) => resolve(failed(`Get "${path}" on ${host}:${port}: ${reasonOf(error, signal)}`)))
    request.end()
  })
}

export function checkTcp(host: string, port: number, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal })
    socket.on('connect', () => {
      socket.destroy()
      resolve({ ok: true })
    })
    socket.on('error', (error) => resolve(failed(`dial tcp ${host}:${port}: ${reasonOf(error, signal)}`)))
  })
}

async function checkExec(command: readonly string[], target: CheckTarget, signal: AbortSignal): Promise<ProbeResult> {
  const [program = '', ...args] = target.inside(command)
  const output = new PassThrough()
  const said: Buffer[] = []
  output.on('data', (chunk: Buffer) => {
    if (said.length < 16) said.push(chunk)
  })
  try {
    const { env, cwd, log } = target
    const child = spawnChild({
      command: program,
      args,
      env,
      ...(cwd === undefined ? {} : { cwd }),
      stdout: output,
      stderr: output,
      log,
    })
    const stop = () => child.kill('SIGKILL')
    signal.addEventListener('abort', stop, { once: true })
    const { code } = await child.exited
    signal.removeEventListener('abort', stop)
    if (signal.aborted) return failed('command timed out')
    return code === 0
      ? { ok: true }
      : failed(Buffer.concat(said).toString().slice(0, 1_024).trim() || `exit code ${code}`)
  } catch (error) {
    return failed(messageOf(error))
  }
}

const failed = (message: string): ProbeResult => ({ ok: false, message })

const reasonOf = (error: Error, signal: AbortSignal): string => (signal.aborted ? 'timed out' : messageOf(error))

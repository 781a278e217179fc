import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findExecutable } from '../../src/runtime/index.ts'
import { eventually } from '../support/eventually.ts'
import { feed } from '../support/feed.ts'
import { CHART, type Helm, startHelm } from '../support/helm.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { type LocalApiServer, startLocalApiServer } from '../support/local-api-server.ts'
import { rawCanary } from '../support/raw-canary.ts'

const what = 'the chart on the local API server'
const skipped = skipReason(what, 'helm') !== undefined || kubectlIsMissing()

/** `helm install` keeps its records in Secrets that it sends as protobuf, which the local API server does not read. */
describe.skipIf(skipped)('on the local API server', () => {
  let local: LocalApiServer
  let helm: Helm
  let manifest: string

  beforeAll(async () => {
    local = await startLocalApiServer()
    helm = await startHelm(local.kubeconfig)
    manifest = (await helm.run('template', 'sluice', CHART, '--namespace', 'default')).stdout
  }, BUILD_TIMEOUT_MS)

  afterAll(async () => {
    await helm?.stop()
    await local?.stop()
  })

  const kubectl = async (...args: readonly string[]) => {
    const running = promisify(execFile)('kubectl', ['--kubeconfig', local.kubeconfig, ...args])
    feed(running.child, args.includes('-') ? manifest : undefined)
    return running
  }

  test('kubectl applies what helm renders, a second time without a change', async () => {
    const first = await kubectl('apply', '-f', '-')
    const lines = first.stdout.trim().split('\n')
    expect({ stderr: first.stderr, other: lines.filter((line) => !line.endsWith(' created')) }).toEqual({
      stderr: '',
      other: [],
    })
    expect(lines.length).toBeGreaterThan(20)
    const second = await kubectl('apply', '-f', '-')
    const changed = second.stdout
      .trim()
      .split('\n')
      .filter((line) => !line.endsWith(' unchanged'))
    // kubectl replaces the selector of a budget each time, on a real kube-apiserver too.
    const expected = ['poddisruptionbudget.policy/sluice-controller configured']
    expect({ stderr: second.stderr, changed }).toEqual({ stderr: '', changed: expected })
  })

  test('server-side apply takes it over', async () => {
    expect((await kubectl('apply', '--server-side', '--force-conflicts', '-f', '-')).stderr).toBe('')
  })

  test('a Canary is served, printed and explained', async () => {
    const path = '/apis/sluice.dev/v1/namespaces/default/canaries'
    await eventually(async () => (await local.request('POST', path, { body: rawCanary() })).status === 201)
    const { stdout } = await kubectl('get', 'can')
    expect(stdout.split('\n')[0]?.trim().split(/\s+/)).toEqual(['NAME', 'STATUS', 'WEIGHT', 'LASTTRANSITIONTIME'])
    expect((await kubectl('explain', 'canary.spec.analysis.mirrorMethods')).stdout).toContain(
      'a doubled POST is a double charge',
    )
  })
})

function kubectlIsMissing(): boolean {
  if (findExecutable('kubectl', { path: process.env.PATH }) !== undefined) return false
  console.warn(`SKIPPED ${what}: kubectl missing on PATH`)
  return true
}

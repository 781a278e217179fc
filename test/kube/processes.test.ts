import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Child, silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { type ControlPlane, controlPlaneTools, startControlPlane } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { type Helm, startHelm } from '../support/helm.ts'
import { installChart } from '../support/install-chart.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { rawCanary } from '../support/raw-canary.ts'
import { simulatedNode } from '../support/simulated-node.ts'

const skipped = skipReason('controller and mesh on a real control plane', ...controlPlaneTools, 'helm')
const NAMESPACE = 'sluice-system'
const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
const PATHS = {
  deployments: '/apis/apps/v1/namespaces/default/deployments',
  services: '/api/v1/namespaces/default/services',
  canaries: '/apis/sluice.dev/v1/namespaces/default/canaries',
  virtualServices: '/apis/networking.istio.io/v1/namespaces/default/virtualservices',
} as const

describe.skipIf(skipped !== undefined)('with the rights that the chart grants', () => {
  let kube: ControlPlane
  let helm: Helm
  const children: Child[] = []
  const output: string[] = []

  beforeAll(async () => {
    kube = await startControlPlane()
    helm = await startHelm(kube.kubeconfig)
    await installChart(kube, helm, '--namespace', NAMESPACE, '--create-namespace')
    await start('controller', '--leader-elect', '--lease-namespace', NAMESPACE)
    await start('mesh', '--xds-listen', '127.0.0.1:0', '--authority-namespace', NAMESPACE, '--leader-elect')
  }, BUILD_TIMEOUT_MS)

  afterAll(async () => {
    for (const child of children) await child.stop({ graceMs: 5_000 })
    await helm?.stop()
    await kube?.stop()
  })

  async function start(name: 'controller' | 'mesh', ...args: readonly string[]): Promise<void> {
    const kubeconfig = await kube.kubeconfigOf(NAMESPACE, `sluice-${name}`)
    const sink = new Writable({ write: (chunk, _, done) => done(void output.push(String(chunk))) })
    const common = ['--kubeconfig', kubeconfig, '--listen', '127.0.0.1:0']
    children.push(
      spawnChild({
        command: process.execPath,
        args: [MAIN, name, ...common, ...args],
        env: process.env,
        stdout: sink,
        stderr: sink,
        log: silentLogger,
      }),
    )
  }

  const statusOf = async (path: string) => (await kube.request('GET', path)).body.status

  test('a Canary is initialized, routed and found programmed', async () => {
    await kube.request('POST', PATHS.deployments, { body: web })
    expect((await kube.request('POST', PATHS.canaries, { body: rawCanary() })).status).toBe(201)

    const seen = { within: 30_000, what: 'initialization' }
    await eventually(async () => (await kube.request('GET', `${PATHS.deployments}/web-primary`)).status === 200, seen)
    await eventually(async () => {
      const status = await statusOf(`${PATHS.canaries}/web`)
      expect(status.phase, output.join('').slice(-3_000)).toBe('Initialized')
    }, seen)
    const services = (await kube.request('GET', PATHS.services)).body.items
    expect(services.map(({ metadata }: { metadata: { name: string } }) => metadata.name).sort()).toEqual([
      'kubernetes',
      'web',
      'web-canary',
      'web-primary',
    ])
    await eventually(async () => {
      const { conditions = [] } = (await statusOf(`${PATHS.virtualServices}/web`)) ?? {}
      expect(conditions).toContainEqual(expect.objectContaining({ type: 'Programmed', status: 'True' }))
    }, seen)
  })

  test('a deleted Canary gives the workload back before it goes', async () => {
    const { metadata } = (await kube.request('GET', `${PATHS.canaries}/web`)).body
    expect(metadata.finalizers).toEqual(['sluice.dev/canary'])
    await kube.request('DELETE', `${PATHS.canaries}/web`)
    const seen = { within: 30_000, what: 'the end of the Canary' }
    await eventually(async () => {
      const answer = await kube.request('GET', `${PATHS.canaries}/web`)
      expect(answer.status, JSON.stringify(answer.body.status)).toBe(404)
    }, seen)
    const { body: deployment } = await kube.request('GET', `${PATHS.deployments}/web`)
    const { body: service } = await kube.request('GET', `${PATHS.services}/web`)
    expect([deployment.spec.replicas, service.spec.selector, service.metadata.ownerReferences]).toEqual([
      1,
      { app: 'web' },
      undefined,
    ])
    const { spec } = (await kube.request('GET', `${PATHS.virtualServices}/web`)).body
    expect(spec.http).toEqual([{ name: 'split', route: [{ destination: { host: 'web' } }] }])
  })

  test('nothing they tried was refused', () => {
    expect(output.length).toBeGreaterThan(0)
    expect(output.filter((line) => /forbidden|"code":403/i.test(line))).toEqual([])
  })
})

const labels = { app: 'web' }
const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', labels },
  spec: {
    replicas: 1,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { nodeName: simulatedNode, containers: [{ name: 'web', image: 'web:1' }] },
    },
  },
}

import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { findExecutable } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'
import { deployment, service, widget, widgets } from './conformance/objects.ts'
import { type RunningApiServer, startApiServer } from './running-api-server.ts'

const kubectlPath = findExecutable('kubectl', { path: process.env.PATH })
if (kubectlPath === undefined)
  console.warn('SKIPPED kubectl against the local API server: no kubectl on PATH. Install it to run this group.')

interface Outcome {
  readonly code: number
  readonly out: string
}

let server: RunningApiServer
let home: string

/** Runs kubectl with a home of its own, so that its discovery cache is this test's. */
async function kubectl(...args: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, HOME: home, KUBECONFIG: server.api.kubeconfigPath }
  try {
    const { stdout } = await promisify(execFile)(kubectlPath ?? 'kubectl', [...args], { env })
    return { code: 0, out: stdout }
  } catch (error) {
    const { code, stderr, stdout } = error as { code: number; stderr: string; stdout: string }
    return { code, out: `${stdout}${stderr}` }
  }
}

const file = async (name: string, ...objects: readonly object[]): Promise<string> => {
  const path = join(home, name)
  await writeFile(path, objects.map((object) => stringify(object)).join('---\n'))
  return path
}

describe.skipIf(kubectlPath === undefined)('kubectl', () => {
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'sluice-kubectl-'))
    server = await startApiServer({
      logSource: {
        async *readLog({ pod, container }) {
          yield Buffer.from(`hello from ${pod}/${container}\n`)
        },
      },
    })
  })
  afterAll(async () => {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  })

  test('apply creates, finds nothing changed, and changes', async () => {
    const path = await file('web.yaml', deployment('web', { replicas: 2 }), service('web'))
    expect(await kubectl('apply', '-f', path)).toEqual({
      code: 0,
      out: 'deployment.apps/web created\nservice/web created\n',
    })
    expect((await kubectl('apply', '-f', path)).out).toBe('deployment.apps/web unchanged\nservice/web unchanged\n')
    const next = await file('web2.yaml', deployment('web', { replicas: 3 }))
    expect((await kubectl('apply', '-f', next)).out).toBe('deployment.apps/web configured\n')
    expect((await kubectl('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas} {.metadata.generation}')).out).toBe(
      '3 2',
    )
  })

  test('apply refuses an unknown field by its path', async () => {
    const path = await file('typo.yaml', deployment('typo', { replica: 2 }))
    const { code, out } = await kubectl('apply', '-f', path)
    expect(code).toBe(1)
    expect(out).toContain('strict decoding error: unknown field "spec.replica"')
  })

  test('get prints tables', async () => {
    expect((await kubectl('get', 'deploy,svc', '-o', 'wide', '--no-headers')).out.replaceAll(/ +/g, ' ')).toMatch(
      /^deployment\.apps\/web 0\/3 0 0 \d+s web example\.test\/web:1 app=web\n+service\/web ClusterIP 127\.0\.\d+\.\d+ <none> 80\/TCP \d+s app=web\n$/,
    )
  })

  test('set image, scale, label and rollout restart patch it', async () => {
    expect((await kubectl('set', 'image', 'deploy/web', 'web=example.test/web:2')).out).toContain('image updated')
    expect((await kubectl('scale', 'deploy/web', '--replicas=5')).out).toBe('deployment.apps/web scaled\n')
    expect((await kubectl('label', 'deploy', 'web', 'team=a')).out).toBe('deployment.apps/web labeled\n')
    expect((await kubectl('rollout', 'restart', 'deploy/web')).out).toBe('deployment.apps/web restarted\n')
    const template = '{.spec.replicas} {.spec.template.spec.containers[0].image} {.metadata.labels.team}'
    expect((await kubectl('get', 'deploy', 'web', '-o', `jsonpath=${template}`)).out).toBe('5 example.test/web:2 a')
  })

  test('diff shows what would change, and changes nothing', async () => {
    const { code, out } = await kubectl('diff', '-f', await file('diff.yaml', deployment('web', { replicas: 7 })))
    expect([code, out.includes('-  replicas: 5\n+  replicas: 7')]).toEqual([1, true])
    expect((await kubectl('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).out).toBe('5')
  })

  test('apply --server-side tells conflicts and takes them by force', async () => {
    const path = await file('ssa.yaml', deployment('web', { replicas: 4 }))
    const refused = await kubectl('apply', '--server-side', '-f', path)
    expect(refused.code).toBe(1)
    expect(refused.out).toContain('conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas')
    expect((await kubectl('apply', '--server-side', '--force-conflicts', '-f', path)).out).toBe(
      'deployment.apps/web serverside-applied\n',
    )
  })

  test('create builds objects in protobuf, describe and explain read', async () => {
    expect((await kubectl('create', 'namespace', 'team')).out).toBe('namespace/team created\n')
    await kubectl('create', 'configmap', 'c', '-n', 'team', '--from-literal=a=b')
    await kubectl('create', 'secret', 'generic', 's', '-n', 'team', '--from-literal=a=b')
    await kubectl(
      'create',
      'deployment',
      'made',
      '-n',
      'team',
      '--image=example.test/made:1',
      '--port=80',
      '--replicas=2',
    )
    await kubectl('expose', 'deployment', 'made', '-n', 'team', '--port=80', '--target-port=8080')
    const read = (what: string, path: string) => kubectl('get', '-n', 'team', what, '-o', `jsonpath=${path}`)
    expect((await read('cm/c', '{.data.a}')).out).toBe('b')
    expect((await read('secret/s', '{.data.a}')).out).toBe('Yg==')
    expect(
      (await read('deploy/made', '{.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort}')).out,
    ).toBe('2 80')
    expect((await read('svc/made', '{.spec.ports[0].targetPort} {.spec.selector.app}')).out).toBe('8080 made')
    expect((await kubectl('describe', 'deploy', 'made', '-n', 'team')).out).toMatch(/StrategyType:\s+RollingUpdate/)
    expect((await kubectl('explain', 'deployment.spec.strategy.rollingUpdate')).out).toContain('maxSurge')
    expect(await kubectl('delete', 'namespace', 'team')).toEqual({ code: 0, out: 'namespace "team" deleted\n' })
  })

  test('custom resources: apply, wait, columns, explain', async () => {
    await kubectl('apply', '-f', await file('crd.yaml', widgets))
    expect(
      (await kubectl('wait', '--for=condition=established', 'crd/widgets.example.test', '--timeout=10s')).out,
    ).toBe('customresourcedefinition.apiextensions.k8s.io/widgets.example.test condition met\n')
    const path = await file('widget.yaml', widget('a', { size: 4 }))
    await eventually(async () => expect((await kubectl('apply', '-f', path)).code).toBe(0))
    const apply = await kubectl('apply', '-f', await file('bad.yaml', widget('a', { size: 40 })))
    expect(apply.out).toContain('spec.size: Invalid value: 40: spec.size in body should be less than or equal to 10')
    expect((await kubectl('get', 'wd', '--no-headers')).out.replaceAll(/ +/g, ' ')).toBe('a 4 \n')
    expect((await kubectl('get', 'all', '-o', 'name')).out).toContain('widget.example.test/a\n')
    expect((await kubectl('explain', 'widget.spec.parts')).out).toContain('weight')
    const ready = '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}'
    const waiting = kubectl('wait', '--for=condition=Ready', 'widget/a', '--timeout=20s')
    await kubectl('patch', 'widget', 'a', '--subresource=status', '--type=merge', '-p', ready)
    expect((await waiting).out).toBe('widget.example.test/a condition met\n')
  })

  test('logs, auth, version and api-resources', async () => {
    await kubectl('run', 'talker', '--image=example.test/talker:1')
    expect((await kubectl('logs', 'talker')).out).toBe('hello from talker/talker\n')
    expect((await kubectl('auth', 'can-i', 'delete', 'pods')).out).toBe('yes\n')
    expect((await kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}')).out).toBe(
      'sluice-local-admin',
    )
    expect((await kubectl('version')).out).toContain('Server Version: v1.36.0')
    expect((await kubectl('api-resources', '--api-group=apps', '-o', 'name')).out.split('\n')).toContain(
      'deployments.apps',
    )
  })

  test('get -w follows changes', async () => {
    const env = { ...process.env, HOME: home, KUBECONFIG: server.api.kubeconfigPath }
    const child = spawn(kubectlPath ?? 'kubectl', ['get', 'cm', '-w', '-o', 'name'], { env })
    let seen = ''
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString()
    })
    await kubectl('create', 'configmap', 'first')
    await eventually(() => seen.includes('configmap/first\n'))
    await kubectl('create', 'configmap', 'second')
    await eventually(() => seen.includes('configmap/second\n'))
    child.kill()
  })

  test('delete waits until it is gone', async () => {
    expect((await kubectl('delete', 'deploy/web', 'svc/web')).out).toBe(
      'deployment.apps "web" deleted\nservice "web" deleted\n',
    )
    expect((await kubectl('get', 'deploy', 'web')).out).toContain(
      'Error from server (NotFound): deployments.apps "web" not found',
    )
  })
})

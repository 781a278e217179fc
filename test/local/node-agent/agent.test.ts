import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CoreEvent, eventKind, podKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { barePod, type LocalCluster, scriptImage, startLocalCluster } from '../../support/local-cluster.ts'
import { processesOfGroup } from '../../support/processes.ts'

const web = scriptImage(
  'test/web',
  `const { HOST, PORT, VERSION } = process.env
  let ready = true
  const server = require('http').createServer((request, response) => {
    if (request.url === '/break') ready = false
    if (request.url === '/exit') process.exit(7)
    response.statusCode = ready ? 200 : 500
    response.end(VERSION)
  })
  server.listen(Number(PORT), HOST, () => console.log('listening', HOST, PORT))
  process.on('SIGTERM', () => { console.log('told to stop'); server.close(); setTimeout(() => process.exit(0), 50) })`,
)

const everywhere = scriptImage(
  'test/everywhere',
  `require('http').createServer((_, response) => response.end('hello')).listen(Number(process.env.PORT))`,
)

const tree = scriptImage(
  'test/tree',
  `const { spawn } = require('child_process')
  spawn('sleep', ['600']); spawn('sh', ['-c', 'trap "" TERM; sleep 600'])
  process.on('SIGTERM', () => {})
  setInterval(() => {}, 1000)`,
)

const port = { ports: [{ name: 'http', containerPort: 8080 }] }
let cluster: LocalCluster
/** The address that a slow proxy has not forgotten yet. */
const remembered = { address: '', isAsked: false, ...Promise.withResolvers<void>() }

beforeAll(async () => {
  const restart = { initialMs: 300, maximumMs: 5_000, resetAfterMs: 600_000 }
  const untilProxiesForget = async (address: string) => {
    if (address !== remembered.address) return
    remembered.isAsked = true
    await remembered.promise
  }
  cluster = await startLocalCluster({ timing: { restart }, node: () => ({ untilProxiesForget }) })
  await cluster.apply(web, everywhere, tree)
})

afterAll(() => cluster[Symbol.asyncDispose]())

const isReady = async (name: string): Promise<boolean> =>
  (await cluster.pod(name)).status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'

async function textOf(log: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of log) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const untilReady = (name: string) => eventually(() => isReady(name), { what: `${name} is ready` })

const pidOf = async (name: string): Promise<number> =>
  Number((await cluster.pod(name)).status?.containerStatuses?.[0]?.containerID?.split('/').at(-1))

const eventsOf = async (name: string): Promise<readonly CoreEvent[]> =>
  (await cluster.client.list(eventKind, { namespace: 'default' })).items.filter(
    ({ involvedObject }) => involvedObject.name === name,
  )

describe('a pod', () => {
  test('runs as a process at an address of its own, and says what it runs', async () => {
    await cluster.apply(barePod('plain', port))
    await untilReady('plain')
    const { status, spec } = await cluster.pod('plain')
    const main = status?.containerStatuses?.[0]
    expect(status?.podIP).toMatch(new RegExp(`^${cluster.prefix}\\.1\\.\\d+$`))
    expect([status?.phase, spec.nodeName, main?.restartCount]).toEqual(['Running', 'local', 0])
    expect(main?.imageID).toMatch(/^test\/web@sha256:[0-9a-f]{64}$/)
    const programs = status?.conditions?.find(({ type }) => type === 'local.sluice.dev/ProgramsResolved')
    expect(programs?.message).toContain(JSON.stringify(process.execPath))
    const answer = await eventually(() => fetch(`http://${status?.podIP}:8080/`))
    expect(await answer.text()).toBe('1')
    await eventually(async () => expect(await cluster.log('plain')).toBe(`listening ${status?.podIP} 8080\n`))
  })

  test('of an unknown image waits, says how to register it, and starts when that is done', async () => {
    await cluster.apply(barePod('stranger', { ...port, image: 'test/later:2' }))
    const waiting = await eventually(async () => {
      const state = (await cluster.pod('stranger')).status?.containerStatuses?.[0]?.state?.waiting
      expect(state?.reason).toBe('ErrImagePull')
      return state
    })
    expect(waiting?.message).toContain('"kind":"LocalImage"')
    expect(waiting?.message).toContain('kubectl apply -f -')
    await cluster.apply({ ...web, metadata: { name: 'later' }, ...{ spec: { ...web.spec, repository: 'test/later' } } })
    await untilReady('stranger')
  })

  test('is ready when its probe says so, and no longer when it fails', async () => {
    const readinessProbe = { httpGet: { path: '/', port: 'http' }, periodSeconds: 1, failureThreshold: 2 }
    await cluster.apply(barePod('probed', { ...port, readinessProbe }))
    await untilReady('probed')
    const { status } = await cluster.pod('probed')
    await fetch(`http://${status?.podIP}:8080/break`)
    await eventually(async () => expect(await isReady('probed')).toBe(false))
    const events = await eventually(async () => {
      const found = (await eventsOf('probed')).filter(({ reason }) => reason === 'Unhealthy')
      expect(found.length).toBeGreaterThan(0)
      return found
    })
    expect(events[0]?.message).toBe('Readiness probe failed: HTTP probe failed with statuscode: 500')
    expect((await cluster.pod('probed')).status?.containerStatuses?.[0]?.restartCount).toBe(0)
  })

  test('is restarted when its liveness probe fails', async () => {
    const livenessProbe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, failureThreshold: 1 }
    await cluster.apply(barePod('lively', { ...port, livenessProbe }, { terminationGracePeriodSeconds: 1 }))
    await untilReady('lively')
    const { status } = await cluster.pod('lively')
    await eventually(() => fetch(`http://${status?.podIP}:8080/break`))
    await eventually(async () => {
      const main = (await cluster.pod('lively')).status?.containerStatuses?.[0]
      expect(main?.restartCount).toBe(1)
      expect(main?.lastState?.terminated?.reason).toBe('Completed')
    })
  })

  test.each([
    ['tcpSocket', { tcpSocket: { port: 8080 } }],
    ['exec', { exec: { command: ['sh', '-c', 'test "$POD_NAME" = by-exec'] } }],
  ])('is probed by %s', async (kind, probe) => {
    const name = `by-${kind.toLowerCase()}`
    await cluster.apply(barePod(name, { ...port, readinessProbe: { ...probe, periodSeconds: 1 } }))
    await untilReady(name)
  })
})

describe('a container that ends', () => {
  test('is started again, at once and then with back-off, and its last log is kept', async () => {
    const command = ['sh', '-c', 'echo run; exit 3']
    await cluster.apply(barePod('crashing', { command }))
    const main = await eventually(async () => {
      const status = (await cluster.pod('crashing')).status?.containerStatuses?.[0]
      expect(status?.state?.waiting?.reason).toBe('CrashLoopBackOff')
      expect(status?.restartCount).toBeGreaterThan(1)
      return status
    })
    const delay = 0.3 * 2 ** ((main?.restartCount ?? 0) - 1)
    expect(main?.state?.waiting?.message).toContain(`back-off ${delay}s restarting failed container=main pod=crashing_`)
    expect(main?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' })
    const previous = cluster.agent.readLog(
      { namespace: 'default', pod: 'crashing', previous: true },
      new AbortController().signal,
    )
    expect(await textOf(previous)).toBe('run\n')
  })

  test.each([
    ['Never', 0, 'Succeeded'],
    ['Never', 4, 'Failed'],
    ['OnFailure', 0, 'Succeeded'],
  ] as const)('for good, by policy %s and exit code %i, leaves the pod %s', async (restartPolicy, code, phase) => {
    const name = `once-${phase.toLowerCase()}-${restartPolicy.toLowerCase()}`
    await cluster.apply(barePod(name, { command: ['sh', '-c', `exit ${code}`] }, { restartPolicy }))
    await eventually(async () => expect((await cluster.pod(name)).status?.phase).toBe(phase))
  })

  test('that can not be started says why', async () => {
    await cluster.apply(barePod('absent', { command: ['/no/such/program'] }))
    await eventually(async () => {
      const main = (await cluster.pod('absent')).status?.containerStatuses?.[0]
      expect(main?.lastState?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' })
      expect(main?.lastState?.terminated?.message).toContain('/no/such/program')
    })
  })
})

describe('a program that binds the wrong address', () => {
  test('is found and named in status and event', async () => {
    await cluster.apply(barePod('everywhere', { ports: [{ containerPort: 18_181 }], image: 'test/everywhere:1' }))
    const stray = await eventually(async () => {
      const found = (await cluster.pod('everywhere')).status?.conditions?.find(
        ({ type }) => type === 'local.sluice.dev/ListensOnHost',
      )
      expect(found?.status).toBe('False')
      return found
    })
    const { status } = await cluster.pod('everywhere')
    expect(stray?.message).toBe(
      `container main listens on all addresses of this machine, [::]:18181, but pods share one network here: it must listen on HOST:PORT (${status?.podIP}:18181)`,
    )
    await eventually(async () =>
      expect((await eventsOf('everywhere')).map(({ reason }) => reason)).toContain('ListensElsewhere'),
    )
  })

  test('that another pod has, ends with a hint', async () => {
    const command = [
      process.execPath,
      '-e',
      `require('net').createServer().listen(18182, process.env.POD_NAME === 'second' ? '0.0.0.0' : process.env.HOST)`,
    ]
    const clashing = { ports: [{ containerPort: 18_182 }], command }
    await cluster.apply(
      barePod('first', { ...clashing, readinessProbe: { tcpSocket: { port: 18_182 }, periodSeconds: 1 } }),
    )
    await untilReady('first')
    await cluster.apply(barePod('second', clashing))
    await eventually(async () => {
      const main = (await cluster.pod('second')).status?.containerStatuses?.[0]
      const ended = main?.state?.terminated ?? main?.lastState?.terminated
      expect(ended?.message).toContain('container main found its address in use. It must listen on HOST:PORT')
    })
  })
})

describe('deletion', () => {
  test('lets the program end in its own way, then takes the pod away', async () => {
    await cluster.apply(barePod('polite', port))
    await untilReady('polite')
    const follow = cluster.agent.readLog(
      { namespace: 'default', pod: 'polite', follow: true },
      new AbortController().signal,
    )
    const followed = textOf(follow)
    await eventually(async () => expect(await cluster.log('polite')).toContain('listening'))
    const group = await pidOf('polite')
    await cluster.client.delete(podKind, { namespace: 'default', name: 'polite' })
    expect((await cluster.pod('polite')).metadata.deletionTimestamp).toBeDefined()
    expect(await followed).toContain('told to stop\n')
    await eventually(async () =>
      expect(await cluster.client.get(podKind, { namespace: 'default', name: 'polite' })).toBeUndefined(),
    )
    expect(processesOfGroup(group)).toEqual([])
  })

  test('a program is told to end only when every proxy has forgotten its pod', async () => {
    await cluster.apply(barePod('remembered', port), barePod('forgotten', port))
    await Promise.all(['remembered', 'forgotten'].map(untilReady))
    remembered.address = (await cluster.pod('remembered')).status?.podIP ?? ''
    const gone = (name: string) =>
      eventually(async () => expect(await cluster.client.get(podKind, { namespace: 'default', name })).toBeUndefined())
    await cluster.client.delete(podKind, { namespace: 'default', name: 'remembered' })
    await eventually(() => remembered.isAsked)
    await cluster.client.delete(podKind, { namespace: 'default', name: 'forgotten' })
    await gone('forgotten')
    expect(await cluster.log('remembered')).not.toContain('told to stop')
    remembered.resolve()
    await gone('remembered')
  })

  test('kills the whole group after the grace period', async () => {
    await cluster.apply(barePod('stubborn', { image: 'test/tree:1' }, { terminationGracePeriodSeconds: 1 }))
    await untilReady('stubborn')
    const group = await pidOf('stubborn')
    await eventually(() => expect(processesOfGroup(group).length).toBeGreaterThan(3))
    await cluster.client.delete(podKind, { namespace: 'default', name: 'stubborn' })
    await eventually(async () =>
      expect(await cluster.client.get(podKind, { namespace: 'default', name: 'stubborn' })).toBeUndefined(),
    )
    expect(processesOfGroup(group)).toEqual([])
  })
})

test('a node agent that starts again restarts the containers and keeps their addresses', async () => {
  await cluster.apply(barePod('survivor', port))
  await untilReady('survivor')
  const before = await cluster.pod('survivor')
  const group = await pidOf('survivor')
  await cluster.restartNode()
  expect(processesOfGroup(group)).toEqual([])
  const after = await eventually(async () => {
    const pod = await cluster.pod('survivor')
    expect(pod.status?.containerStatuses?.[0]?.restartCount).toBe(1)
    expect(pod.status?.containerStatuses?.[0]?.ready).toBe(true)
    return pod
  })
  expect(after.status?.podIP).toBe(before.status?.podIP)
  const terminated = after.status?.containerStatuses?.[0]?.lastState?.terminated
  expect(terminated?.reason).toBeDefined()
})

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { type Child, silentLogger, spawnChild } from '../../../src/runtime/index.ts'
import { eventually } from '../eventually.ts'
import type { Place } from '../kube-apiserver.ts'

/**
 * A machine of a node's own on this one: processes, mounts and network in namespaces, with /run, /var/lib, /var/log and
 * cgroups that nobody else has. When its first process ends the kernel ends all others, and takes mounts, rules and
 * network devices away with them, however that came about.
 */
export interface Machine extends Place {
  /** Of this machine, as it sees it. */
  readonly gateway: string
  /** The same within and without; goes with it. */
  readonly folder: string
  /** In every hierarchy, for the kubelet. */
  readonly cgroup: string
  /** Runs a program there to its end. */
  run(...argv: readonly string[]): Promise<string>
  stop(): Promise<void>
}

export async function startMachine(): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-node-'))
  for (const name of privateFolders) await mkdir(join(folder, name), { recursive: true })
  const cgroup = await createCgroups(basename(folder))
  const first = startFirstProcess(folder)
  const stop = async () => {
    await first.stop({ graceMs: 0 })
    await eventually(() => removeCgroups(cgroup), { within: 30_000, what: `the end of the processes in ${cgroup}` })
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const pid = await eventually(() => childOf(first.pid), { within: 30_000, what: 'the first process of the node' })
    const command = (argv: readonly string[]) => [...enter(pid), ...argv]
    const run = (...argv: readonly string[]) => runToEnd(command(argv))
    await eventually(() => run('test', '-e', '/run/is-private'), { within: 30_000, what: 'folders of the node' })
    return { ...(await connect(pid, run)), folder, cgroup, command, run, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Where programs keep their state, and the folder that takes its place. */
const privateFolders = ['run', 'var/lib', 'var/log'] as const

/** Bash takes the exit codes of those who have no parent any more. */
function startFirstProcess(folder: string): Child {
  const mounts = privateFolders.map((name) => `mount --bind ${folder}/${name} /${name}`)
  const script = [...mounts, 'ip link set lo up', 'touch /run/is-private', 'sleep infinity & wait'].join('\n')
  const isolation = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']
  return spawnChild({
    command: 'unshare',
    args: [...isolation, 'bash', '-ec', script],
    env: process.env,
    stdout: 'ignore',
    stderr: process.stderr,
    log: silentLogger,
  })
}

async function childOf(pid: number): Promise<number> {
  const child = Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim())
  if (child === 0) throw new Error('it has not begun')
  return child
}

const enter = (pid: number): readonly string[] => ['nsenter', '--target', `${pid}`, '--mount', '--pid', '--net', '--']

async function runToEnd([command = '', ...args]: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 64 << 20 })
  return stdout
}

/** A cable between both machines. Its name is taken at once or not at all: nobody else has its addresses. */
async function connect(pid: number, run: Machine['run']): Promise<Pick<Machine, 'address' | 'gateway'>> {
  const taken = await runToEnd(['ip', '-4', '-oneline', 'address'])
  for (let number = 0; number < 64; number++) {
    const [gateway, address] = [`100.127.${number}.1`, `100.127.${number}.2`]
    if (taken.includes(` ${gateway}/`)) continue
    const name = `sluice-node-${number}`
    const peer = ['peer', 'name', 'eth0', 'netns', `${pid}`]
    const made = await runToEnd(['ip', 'link', 'add', name, 'type', 'veth', ...peer]).catch(() => undefined)
    if (made === undefined) continue
    await runToEnd(['ip', 'address', 'add', `${gateway}/30`, 'dev', name])
    await runToEnd(['ip', 'link', 'set', name, 'up'])
    await run('ip', 'address', 'add', `${address}/30`, 'dev', 'eth0')
    await run('ip', 'link', 'set', 'eth0', 'up')
    await run('ip', 'route', 'add', 'default', 'via', gateway)
    return { address, gateway }
  }
  throw new Error('every network from 100.127.0.0/30 on is taken')
}

const HIERARCHIES = '/sys/fs/cgroup'

/** One in each hierarchy of the old kind, or the only one of the new. */
async function hierarchies(): Promise<readonly string[]> {
  const isNew = await exists(join(HIERARCHIES, 'cgroup.procs'))
  if (isNew) return [HIERARCHIES]
  const all = (await readdir(HIERARCHIES)).map((name) => join(HIERARCHIES, name))
  const mounted = await Promise.all(all.map((path) => exists(join(path, 'cgroup.procs'))))
  return all.filter((_, index) => mounted[index])
}

async function createCgroups(name: string): Promise<string> {
  for (const hierarchy of await hierarchies()) await mkdir(join(hierarchy, name))
  return `/${name}`
}

async function removeCgroups(cgroup: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeCgroup(join(hierarchy, cgroup))
}

/** Their files can not be removed, and go with them. */
async function removeCgroup(path: string): Promise<void> {
  if (!(await exists(path))) return
  const entries = await readdir(path, { withFileTypes: true })
  for (const entry of entries.filter((each) => each.isDirectory())) await removeCgroup(join(path, entry.name))
  await rmdir(path)
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findExecutable, messageOf } from '../../../runtime/index.ts'

/** The network of one pod: its own address, ports and rules. */
export interface PodNamespace {
  /** The command line that runs a program inside, as this user where one is given. */
  command(argv: readonly string[], user?: number): readonly string[]
  /** Takes rules as `iptables-restore --noflush` reads them. */
  restoreRules(rules: string): Promise<void>
  /** What its programs find in /etc/hosts. */
  writeHosts(text: string): Promise<void>
  remove(): Promise<void>
}

/** A bridge of this machine and the pods that hang on it; root only. */
export interface PodNetwork {
  /** Somebody had made it before: another that runs, or one that was killed. */
  readonly wasThere: boolean
  attach(address: string): Promise<PodNamespace>
  /** Takes what a killed run has left on it away. */
  sweep(): Promise<void>
  /** Takes the bridge away, and every namespace that is left. */
  remove(): Promise<void>
}

/** What is missing here to give pods networks of their own; empty where nothing is. */
export function missingForNamespaces(path = process.env.PATH): readonly string[] {
  const tools = ['ip', 'iptables-restore', 'setpriv'].filter((tool) => findExecutable(tool, { path }) === undefined)
  return [...(process.getuid?.() === 0 ? [] : ['root']), ...tools]
}

const hostsFolder = '/etc/netns'
/** Of a /16: Services' addresses, as the API server gives them, are this machine's own. */
const servicesRange = (prefix: string): string => `${prefix}.128.0/19`

/** Makes the bridge with the address PREFIX.0.1, where PREFIX is such as `10.201`; one that is there stays. */
export async function createPodNetwork(prefix: string): Promise<PodNetwork> {
  const number = prefix.split('.')[1] ?? ''
  const bridge = `sluice${number}`
  const namespaces = new Set<PodNamespace>()
  const wasThere = await ip([`link add name ${bridge} type bridge`]).then(() => false, orThere)
  await ip([
    `addr replace ${prefix}.0.1/16 dev ${bridge}`,
    `link set ${bridge} up`,
    `route replace local ${servicesRange(prefix)} dev lo`,
  ])
  return {
    wasThere,
    async sweep() {
      const left = (await readdir(hostsFolder).catch(() => [])).filter((name) => name.startsWith(`sluice-${number}-`))
      await Promise.all(left.map(removeNamespace))
    },
    async attach(address) {
      const namespace = await createNamespace({ prefix, bridge, address }, () => namespaces.delete(namespace))
      namespaces.add(namespace)
      return namespace
    },
    async remove() {
      await Promise.all([...namespaces].map((namespace) => namespace.remove()))
      await ip([`route del local ${servicesRange(prefix)} dev lo`, `link del ${bridge}`])
    },
  }
}

function orThere(error: unknown): boolean {
  if (messageOf(error).includes('File exists')) return true
  throw error
}

async function removeNamespace(name: string): Promise<void> {
  await ip([`netns del ${name}`]).catch(() => {})
  await rm(join(hostsFolder, name), { recursive: true, force: true })
}

interface Place {
  readonly prefix: string
  readonly bridge: string
  readonly address: string
}

async function createNamespace({ prefix, bridge, address }: Place, removed: () => void): Promise<PodNamespace> {
  const [, block, third, fourth] = address.split('.')
  const name = `sluice-${block}-${third}-${fourth}`
  const link = `s${block}-${third}-${fourth}`
  const folder = join(hostsFolder, name)
  const inside = ['netns', 'exec', name]
  // One that a killed run has left would have its rules.
  await ip([`netns del ${name}`]).catch(() => {})
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'hosts'), '127.0.0.1 localhost\n')
  await ip([`netns add ${name}`])
  await ip([`link add ${link} type veth peer name eth0 netns ${name}`, `link set ${link} master ${bridge} up`])
  await ip(
    [`addr add ${address}/16 dev eth0`, 'link set lo up', 'link set eth0 up', `route add default via ${prefix}.0.1`],
    ['-n', name],
  )
  return {
    command: (argv, user) => ['ip', ...inside, ...(user === undefined ? [] : asUser(user)), ...argv],
    restoreRules: (rules) => run('ip', [...inside, 'iptables-restore', '--noflush'], rules),
    // In place: programs that run already have this very file.
    writeHosts: (text) => writeFile(join(folder, 'hosts'), text),
    async remove() {
      removed()
      await removeNamespace(name)
    },
  }
}

/** It may still read this user's files: the proxy's are where nobody else may enter. */
const asUser = (user: number): readonly string[] => [
  'setpriv',
  `--reuid=${user}`,
  `--regid=${user}`,
  '--clear-groups',
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
]

const ip = (lines: readonly string[], options: readonly string[] = []): Promise<void> =>
  run('ip', [...options, '-batch', '-'], `${lines.join('\n')}\n`)

async function run(command: string, args: readonly string[], input: string): Promise<void> {
  const running = promisify(execFile)(command, [...args])
  running.child.stdin?.end(input)
  try {
    await running
  } catch (cause) {
    const said = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr).trim() : ''
    throw new Error(`${command} ${args.join(' ')}: ${said}`, { cause })
  }
}

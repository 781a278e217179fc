/**
 * Puts packages of other platforms back into package-lock.json.
 *
 * npm leaves an optional package out of the lock file where the registry at hand does not serve it, and then refuses
 * `npm ci` because the lock file lacks it. The entry needs a version and the platform only: npm never fetches it elsewhere.
 * Run after every `npm install`; it changes nothing when nothing lacks.
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface LockEntry {
  readonly version?: string
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = ['x64', 'arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32']

/** What a platform package's name says of its platform: `@scope/name-linux-x64-musl`. */
function platformOf(name: string): object | undefined {
  if (name === 'fsevents') return { os: ['darwin'] }
  const words = name.replace(/^@[^/]+\//, '').split(/[-/]/)
  const os = systems.find((each) => words.includes(each))
  const cpu = words.includes('armv7') ? 'arm' : processors.find((each) => words.includes(each))
  if (os === undefined && cpu === undefined) return undefined
  return {
    ...(os === undefined ? {} : { os: [os] }),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(words.some((word) => word.startsWith('musl')) ? { libc: ['musl'] } : {}),
  }
}

const path = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, LockEntry> }
const added: string[] = []
for (const entry of Object.values(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`
    const platform = platformOf(name)
    if (lock.packages[key] !== undefined || platform === undefined) continue
    lock.packages[key] = {
      version: range.replace(/^[\^~]/, ''),
      ...platform,
      ...(entry.dev === true ? { dev: true } : {}),
      ...{ optional: true },
    }
    added.push(name)
  }
}
const [root, ...others] = Object.entries(lock.packages)
others.sort(([left], [right]) => (left < right ? -1 : 1))
lock.packages = Object.fromEntries(root === undefined ? others : [root, ...others])
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} packages of other platforms added to package-lock.json`)

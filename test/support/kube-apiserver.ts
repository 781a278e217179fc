import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Child, silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { type ApiRequest, createApiRequest } from './api-request.ts'
import { eventually } from './eventually.ts'
import { requireTool } from './kube-binaries.ts'

/** A real kube-apiserver on etcd, for one test file. No controllers run beside it. */
export interface KubeApiserver {
  readonly server: string
  readonly kubeconfig: string
  readonly token: string
  readonly certificateAuthority: string
  /** Speaks JSON to it as an administrator. */
  readonly request: ApiRequest
  /** Writes a kubeconfig with the rights of a service account, as its pods have them, and returns the path. */
  kubeconfigOf(namespace: string, serviceAccount: string): Promise<string>
  /** The same for a process of this name, by a token of its own, which the audit log knows by `credential`. */
  credentialsOf(namespace: string, serviceAccount: string, name: string): Promise<Credentials>
  /** Goes with it. */
  readonly folder: string
  /** Everything that was started, itself and etcd too. */
  readonly processes: readonly Child[]
  /** Starts a program whose output goes to the folder, and which ends before the API server does. */
  startBeside(name: string, command: string, args: readonly string[]): Child
  stop(): Promise<void>
}

export interface Credentials {
  /** Of the kubeconfig. */
  readonly path: string
  readonly credential: string
}

export interface KubeApiserverOptions {
  /** Written with every request of a service account; none when absent. See audit-log.ts. */
  readonly auditPolicy?: object
  /** Where it runs; on this machine, without kubelets, when absent. */
  readonly place?: Place
}

/** A machine of its own, whose kubelets give pods the tokens of their service accounts and lead them to the API server. */
export interface Place {
  /** By which everybody reaches it. */
  readonly address: string
  /** What starts a program there. */
  command(argv: readonly string[]): readonly string[]
}

export const auditLogOf = ({ folder }: Pick<KubeApiserver, 'folder'>): string => join(folder, 'audit.log')

const ATTEMPTS = 3

/** Starts both; ready in seconds. Ports are free ones, and another try is made when somebody else took one. */
export async function startKubeApiserver(options: KubeApiserverOptions = {}): Promise<KubeApiserver> {
  const tools = { etcd: await requireTool('etcd'), apiserver: await requireTool('kube-apiserver') }
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(tools, options)
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

interface Tools {
  readonly etcd: string
  readonly apiserver: string
}

async function startOnce(tools: Tools, options: KubeApiserverOptions): Promise<KubeApiserver> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-kube-'))
  const [client, peer, secure] = await freePorts(3)
  const token = randomBytes(24).toString('hex')
  await writeCredentials(folder, token)
  const children: Child[] = []
  const { address = '127.0.0.1' } = options.place ?? {}
  const startBeside = (name: string, command: string, args: readonly string[]) => {
    const argv = [command, ...args]
    const child = start(folder, name, options.place?.command(argv) ?? argv)
    children.push(child)
    return child
  }
  const stop = async () => {
    for (const child of children.toReversed()) await child.stop({ graceMs: 5_000 })
    await rm(folder, { recursive: true, force: true })
  }
  try {
    startBeside('etcd', tools.etcd, etcdFlags(folder, Number(client), Number(peer)))
    const flags = [
      ...apiserverFlags(folder, Number(client), Number(secure)),
      ...placeFlags(options.place),
      ...(await auditFlags(folder, options)),
    ]
    startBeside('apiserver', tools.apiserver, flags)
    const connection = { server: `https://${address}:${secure}`, token, folder }
    const certificateAuthority = await untilReady(connection, children)
    const kubeconfig = join(folder, 'kubeconfig')
    await writeFile(kubeconfig, renderKubeconfig(connection, certificateAuthority), { mode: 0o600 })
    const request = createApiRequest({ ...connection, certificateAuthority })
    const credentialsOf = async (namespace: string, serviceAccount: string, name: string) => {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
      const theirs = { ...connection, token: String((await request('POST', path, { body })).body.status.token) }
      const file = join(folder, `${name}.kubeconfig`)
      await writeFile(file, renderKubeconfig(theirs, certificateAuthority), { mode: 0o600 })
      return { path: file, credential: credentialOf(theirs.token) }
    }
    const kubeconfigOf = async (namespace: string, serviceAccount: string) =>
      (await credentialsOf(namespace, serviceAccount, `${namespace}-${serviceAccount}`)).path
    const identities = { kubeconfig, kubeconfigOf, credentialsOf }
    return { ...connection, ...identities, certificateAuthority, request, processes: children, startBeside, stop }
  } catch (cause) {
    const log = await readFile(join(folder, 'apiserver.log'), 'utf8').catch(() => '')
    await stop()
    throw new Error(`kube-apiserver did not start: ${log.slice(-2_000)}`, { cause })
  }
}

/** A token says its own name, which the audit log writes. */
function credentialOf(token: string): string {
  const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  return `JTI=${payload.jti}`
}

/** Without fsync: what is lost in a crash is only this test's. */
const etcdFlags = (folder: string, client: number, peer: number): readonly string[] => [
  '--unsafe-no-fsync',
  `--data-dir=${join(folder, 'etcd')}`,
  `--listen-client-urls=http://127.0.0.1:${client}`,
  `--advertise-client-urls=http://127.0.0.1:${client}`,
  `--listen-peer-urls=http://127.0.0.1:${peer}`,
  `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
  `--initial-cluster=default=http://127.0.0.1:${peer}`,
]

const apiserverFlags = (folder: string, etcd: number, port: number): readonly string[] => [
  `--etcd-servers=http://127.0.0.1:${etcd}`,
  `--secure-port=${port}`,
  `--cert-dir=${join(folder, 'certificates')}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-key-file=${join(folder, 'service-account.pem')}`,
  `--service-account-signing-key-file=${join(folder, 'service-account.pem')}`,
  `--token-auth-file=${join(folder, 'tokens.csv')}`,
  '--authorization-mode=RBAC',
  '--service-cluster-ip-range=10.96.0.0/16',
  // Owner references that block deletion need a right of their own, as in the clusters that check it.
  '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
]

const placeFlags = (place: Place | undefined): readonly string[] =>
  place === undefined
    ? [
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        '--endpoint-reconciler-type=none',
        '--disable-admission-plugins=ServiceAccount',
      ]
    : ['--bind-address=0.0.0.0', `--advertise-address=${place.address}`, '--kubelet-preferred-address-types=InternalIP']

async function auditFlags(folder: string, { auditPolicy }: KubeApiserverOptions): Promise<readonly string[]> {
  if (auditPolicy === undefined) return []
  const policy = join(folder, 'audit-policy.yaml')
  await writeFile(policy, stringify(auditPolicy))
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${auditLogOf({ folder })}`, '--audit-log-mode=blocking']
}

async function writeCredentials(folder: string, token: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' })
  await writeFile(join(folder, 'service-account.pem'), pem, { mode: 0o600 })
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 })
}

function start(folder: string, name: string, [command = '', ...args]: readonly string[]): Child {
  const log = createWriteStream(join(folder, `${name}.log`))
  const child = spawnChild({
    command,
    args,
    env: process.env,
    cwd: folder,
    stdout: log,
    stderr: log,
    log: silentLogger,
  })
  void child.exited.then(() => log.end())
  return child
}

interface Connection {
  readonly server: string
  readonly token: string
  readonly folder: string
}

/** The server writes its own certificate on start: it is its own authority. */
async function untilReady(connection: Connection, children: readonly Child[]): Promise<string> {
  let ended = false
  for (const child of children) void child.exited.then(() => (ended = true))
  const look = async () => {
    if (ended) return { authority: '' }
    const authority = await readFile(join(connection.folder, 'certificates', 'apiserver.crt'), 'utf8')
    const { status } = await createApiRequest({ ...connection, certificateAuthority: authority })('GET', '/readyz')
    return status === 200 ? { authority } : false
  }
  const seen = await eventually(look, { within: 90_000, every: 100, what: 'readiness of kube-apiserver' })
  if (seen === false || seen.authority === '') throw new Error('a process ended')
  return seen.authority
}

function renderKubeconfig({ server, token }: Connection, authority: string): string {
  const data = Buffer.from(authority).toString('base64')
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': data } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  })
}

/** Holds all ports before it frees any, so that they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listening))
  const ports = servers.map((server) => portOf(server.address()))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

const portOf = (address: ReturnType<ReturnType<typeof createServer>['address']>): number =>
  typeof address === 'object' && address !== null ? address.port : 0

function listening(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

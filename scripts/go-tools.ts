import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/**
 * The real programs that tests are held against, built from their own Go modules: nobody publishes etcd and
 * kube-apiserver in a package registry. Each is built once into the cache of the user.
 */
export const goTools = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'coredns',
  'kwok',
  'helm',
  'registry',
  'go-control-plane',
  'open-loop',
  'load',
] as const
export type GoTool = (typeof goTools)[number]

const KUBERNETES = 'v1.36.3'
const ETCD = 'v3.6.7'
const KWOK = 'v0.8.0'
const HELM = 'v3.22.0'
const CONTAINER_REGISTRY = 'v0.22.1'
const GO_CONTROL_PLANE = 'v0.14.0'
const COREDNS = 'v1.14.7'

const [, MAJOR, MINOR] = /^v(\d+)\.(\d+)/.exec(KUBERNETES) ?? []
const VERSION_PACKAGE = 'k8s.io/component-base/version'
const kubernetesFlags = [
  `-X ${VERSION_PACKAGE}.gitVersion=${KUBERNETES}`,
  `-X ${VERSION_PACKAGE}.gitMajor=${MAJOR}`,
  `-X ${VERSION_PACKAGE}.gitMinor=${MINOR}`,
]

/** Without these, helm believes in an ancient Kubernetes where it renders without a cluster. */
const helmFlags = [
  `-X helm.sh/helm/v3/internal/version.version=${HELM}`,
  ...['pkg/chartutil', 'pkg/lint/rules'].flatMap((folder) => [
    `-X helm.sh/helm/v3/${folder}.k8sVersionMajor=${MAJOR}`,
    `-X helm.sh/helm/v3/${folder}.k8sVersionMinor=${MINOR}`,
  ]),
]

interface Recipe {
  /** Absent for a program of ours that needs none. */
  readonly module?: string
  readonly version?: string
  /** Import path of the program. */
  readonly main: string
  readonly linkerFlags?: readonly string[]
  /** `go install` reads fewer foreign modules, but refuses a program whose own module replaces some. */
  readonly asMainModule?: true
  /** A program of ours: the text of its main.go, and other modules that it names. */
  readonly program?: { readonly source: string; readonly requires: Readonly<Record<string, string>> }
  /** Folder in the cache: etcd and the Kubernetes programs share one, as KUBEBUILDER_ASSETS has it. */
  readonly folder: string
}

const kubernetes = (name: string): Recipe => ({
  module: 'k8s.io/kubernetes',
  version: KUBERNETES,
  main: `k8s.io/kubernetes/cmd/${name}`,
  linkerFlags: kubernetesFlags,
  folder: `kube-${KUBERNETES.slice(1)}`,
})

const referenceServer = readFileSync(join(import.meta.dirname, 'bench-xds', 'go-control-plane.go'), 'utf8')
const dnsServer = readFileSync(join(import.meta.dirname, 'go-programs', 'coredns.go'), 'utf8')
const openLoop = readFileSync(join(import.meta.dirname, 'go-programs', 'open-loop.go'), 'utf8')
const loadGenerator = readFileSync(join(import.meta.dirname, 'go-programs', 'load.go'), 'utf8')

const recipes: Readonly<Record<GoTool, Recipe>> = {
  etcd: {
    module: 'go.etcd.io/etcd/server/v3',
    version: ETCD,
    main: 'go.etcd.io/etcd/server/v3',
    folder: `kube-${KUBERNETES.slice(1)}`,
  },
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  'kube-proxy': kubernetes('kube-proxy'),
  kubelet: kubernetes('kubelet'),
  coredns: {
    module: 'github.com/coredns/coredns',
    version: COREDNS,
    main: '.',
    program: { source: dnsServer, requires: {} },
    folder: `coredns-${COREDNS.slice(1)}-${hashOf(dnsServer)}`,
  },
  kwok: {
    module: 'sigs.k8s.io/kwok',
    version: KWOK,
    main: 'sigs.k8s.io/kwok/cmd/kwok',
    asMainModule: true,
    folder: `kube-${KUBERNETES.slice(1)}`,
  },
  helm: {
    module: 'helm.sh/helm/v3',
    version: HELM,
    main: 'helm.sh/helm/v3/cmd/helm',
    linkerFlags: helmFlags,
    asMainModule: true,
    folder: `helm-${HELM.slice(1)}`,
  },
  registry: {
    module: 'github.com/google/go-containerregistry',
    version: CONTAINER_REGISTRY,
    main: 'github.com/google/go-containerregistry/cmd/registry',
    linkerFlags: helmFlags,
    asMainModule: true,
    folder: `registry-${CONTAINER_REGISTRY.slice(1)}`,
  },
  'go-control-plane': {
    module: 'github.com/envoyproxy/go-control-plane',
    version: GO_CONTROL_PLANE,
    main: '.',
    program: {
      source: referenceServer,
      requires: {
        'github.com/envoyproxy/go-control-plane/envoy': 'v1.40.0',
        'golang.org/x/sys': 'v0.48.0',
        'google.golang.org/grpc': 'v1.85.0',
        'google.golang.org/protobuf': 'v1.36.12',
      },
    },
    folder: `go-control-plane-${GO_CONTROL_PLANE.slice(1)}-${hashOf(referenceServer)}`,
  },
  'open-loop': {
    main: '.',
    program: { source: openLoop, requires: {} },
    folder: `open-loop-${hashOf(openLoop)}`,
  },
  load: {
    main: '.',
    program: { source: loadGenerator, requires: {} },
    folder: `load-${hashOf(loadGenerator)}`,
  },
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice')

/** Where a tool is, or will be once it is built. */
export const goToolPath = (tool: GoTool): string => join(cacheFolder(), recipes[tool].folder, tool)

export const isBuilt = (tool: GoTool): Promise<boolean> =>
  access(goToolPath(tool), constants.X_OK).then(
    () => true,
    () => false,
  )

/**
 * Builds a tool unless the cache has it. The program appears under its name only when it is whole, so an interrupted
 * build leaves nothing that looks finished.
 */
export async function buildGoTool(tool: GoTool, report: (line: string) => void): Promise<string> {
  const path = goToolPath(tool)
  if (await isBuilt(tool)) return path
  const recipe = recipes[tool]
  await mkdir(dirname(path), { recursive: true })
  const work = await mkdtemp(join(dirname(path), `.${tool}-`))
  try {
    const what =
      recipe.module === undefined ? '' : ` ${recipe.module} ${recipe.version}; the first time this takes minutes`
    report(`${tool}: building${what}`)
    const flags = ['-trimpath', '-ldflags', ['-s', '-w', ...(recipe.linkerFlags ?? [])].join(' ')]
    if (recipe.asMainModule === true) {
      await go(work, ['install', ...flags, `${recipe.main}@${recipe.version}`], { GOBIN: work })
    } else {
      await writeModule(work, recipe)
      await go(work, ['build', ...flags, '-o', join(work, tool), recipe.main])
    }
    await rename(join(work, tool), path)
    report(`${tool}: ready at ${path}`)
    return path
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function writeModule(folder: string, recipe: Recipe): Promise<void> {
  const replacements = recipe.module === 'k8s.io/kubernetes' ? await stagingReplacements(folder) : []
  const lines = [
    `module sluice.dev/tools`,
    ...(recipe.module === undefined ? [] : [`require ${recipe.module} ${recipe.version}`]),
    ...Object.entries(recipe.program?.requires ?? {}).map(([module, version]) => `require ${module} ${version}`),
    ...replacements.map((module) => `replace ${module} => ${module} v0.${KUBERNETES.replace(/^v1\./, '')}`),
  ]
  await writeFile(join(folder, 'go.mod'), `${lines.join('\n')}\n`)
  if (recipe.program !== undefined) await writeFile(join(folder, 'main.go'), recipe.program.source)
}

/** Kubernetes names the modules it keeps in its own tree; outside of it each stands under its own version. */
async function stagingReplacements(folder: string): Promise<readonly string[]> {
  const answer = JSON.parse(await go(folder, ['mod', 'download', '-json', `k8s.io/kubernetes@${KUBERNETES}`]))
  const goMod = await readFile(String(answer.GoMod), 'utf8')
  return [...goMod.matchAll(/^\s*(k8s\.io\/[a-z-]+) => \.\/staging\//gm)].map(([, module]) => String(module))
}

async function go(folder: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = { ...process.env, ...extra, CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false', GOWORK: 'off' }
  try {
    const { stdout } = await promisify(execFile)('go', args, { cwd: folder, env, maxBuffer: 64 << 20 })
    return stdout
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      throw new Error('Go is not installed: install Go 1.26 or newer, or set KUBEBUILDER_ASSETS', { cause })
    }
    throw cause
  }
}

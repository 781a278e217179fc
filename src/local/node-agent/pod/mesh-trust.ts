import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConfigMap, configMapKind } from '../../../api/index.ts'
import { createReflector, type KubeClient, type ReflectorOptions } from '../../../kube/index.ts'
import { type Logger, messageOf, runTogether, untilAborted } from '../../../runtime/index.ts'

export interface MeshTrustOptions extends Pick<ReflectorOptions<ConfigMap>, 'clock' | 'random'> {
  readonly client: KubeClient
  readonly log: Logger
  /** The ConfigMap in which the mesh publishes its roots. */
  readonly configMap: { readonly namespace: string; readonly name: string; readonly key: string }
  readonly directory: string
  /** The name in the mesh's own certificate. */
  readonly identity: string
  /** The file for Envoy that names the roots. */
  readonly renderTrust: (roots: { readonly directory: string; readonly path: string }) => string
}

/** The roots of the mesh as files, for the Envoys of this node: replaced whole whenever the mesh publishes others. */
export interface MeshTrust {
  start(signal: AbortSignal): Promise<void>
  /** Undefined until the mesh has published its roots. */
  files(): TrustFiles | undefined
}

export interface TrustFiles {
  readonly path: string
  readonly directory: string
  readonly identity: string
}

export function createMeshTrust({ configMap, directory, identity, log, ...options }: MeshTrustOptions): MeshTrust {
  const { namespace, name, key } = configMap
  const watch = createReflector({
    ...options,
    log,
    kind: configMapKind,
    namespace,
    fieldSelector: `metadata.name=${name}`,
  })
  const roots = { directory, path: join(directory, 'roots.pem') }
  const path = join(directory, 'trust.json')
  let isWritten = false
  let writing = Promise.resolve()

  const write = async (bundle: string): Promise<void> => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(`${roots.path}.new`, bundle)
    await rename(`${roots.path}.new`, roots.path)
    if (!isWritten) await writeFile(path, options.renderTrust(roots))
    isWritten = true
  }
  const follow = (current: ConfigMap | undefined): void => {
    const bundle = current?.metadata.name === name ? current.data?.[key] : undefined
    if (bundle === undefined) return
    writing = writing
      .then(() => write(bundle))
      .catch((error: unknown) => log.error({ error: messageOf(error) }, 'the roots of the mesh were not written'))
  }
  return {
    files: () => (isWritten ? { path, directory, identity } : undefined),
    start: (signal) =>
      runTogether(signal, [
        watch.start,
        async (stop) => {
          watch.onChange(follow)
          await untilAborted(stop)
          await writing
        },
      ]),
  }
}

import {
  type ConfigMap,
  configMapKind,
  injectedAnnotation,
  injectNamespaceLabel,
  type Namespace,
  type Pod,
} from '../../api/index.ts'
import { createWorkQueue, type KubeClient, KubeError, type Reflector } from '../../kube/index.ts'
import { type Clock, type Logger, runTogether, untilAborted } from '../../runtime/index.ts'
import { rootsKey, rootsName } from '../model/index.ts'

export interface RootsPublisherOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>
  readonly namespaces: Reflector<Namespace>
  readonly pods: Reflector<Pod>
  /** Where the authority publishes them already. */
  readonly namespace: string
  /** PEM; undefined until they are known. */
  readonly bundle: () => string | undefined
  readonly clock: Clock
  readonly log: Logger
}

/** Shows the roots of the mesh in each namespace whose pods have sidecars: pods can read no other namespace's. */
export interface RootsPublisher {
  start(signal: AbortSignal): Promise<void>
  /** Other roots count. */
  rootsChanged(): void
}

export function createRootsPublisher(options: RootsPublisherOptions): RootsPublisher {
  const { client, namespaces, pods, clock, log } = options
  const isWanted = (name: string): boolean => {
    const namespace = namespaces.get({ name })
    if (namespace === undefined || namespace.status?.phase === 'Terminating') return false
    const asks = namespace.metadata.labels?.[injectNamespaceLabel] === 'enabled'
    return asks || pods.list(name).some(isInjected)
  }
  const reconcile = async (namespace: string) => {
    const bundle = options.bundle()
    if (bundle !== undefined && namespace !== options.namespace && isWanted(namespace))
      await publish(client, namespace, bundle)
    return {}
  }
  const queue = createWorkQueue({ clock, log, reconcile })
  const rootsChanged = () => {
    for (const { metadata } of namespaces.list()) queue.add(metadata.name)
  }
  return {
    rootsChanged,
    start: (signal) =>
      runTogether(signal, [
        queue.start,
        async (stop) => {
          namespaces.onChange((current) => current && queue.add(current.metadata.name))
          pods.onChange((current, previous) => {
            if (current && previous === undefined && isInjected(current)) queue.add(current.metadata.namespace ?? '')
          })
          rootsChanged()
          await untilAborted(stop)
        },
      ]),
  }
}

const isInjected = ({ metadata }: Pod): boolean => metadata.annotations?.[injectedAnnotation] !== undefined

async function publish(client: RootsPublisherOptions['client'], namespace: string, bundle: string): Promise<void> {
  const known = await client.get(configMapKind, { namespace, name: rootsName })
  if (known?.data?.[rootsKey] === bundle) return
  const made: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: rootsName, namespace },
    data: { [rootsKey]: bundle },
  }
  try {
    if (known === undefined) await client.create(configMapKind, made)
    else await client.replace(configMapKind, { ...known, data: { ...known.data, [rootsKey]: bundle } })
  } catch (error) {
    // The namespace goes; a namespace that is there again is seen again.
    if (!(error instanceof KubeError && error.reason === 'NotFound')) throw error
  }
}

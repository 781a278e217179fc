import {
  type ConfigMap,
  type Container,
  configMapKind,
  type KubernetesObject,
  type Pod,
  type Probe,
  publishedPort,
  type ResourceKind,
  type Secret,
  secretKind,
} from '../../../api/index.ts'
import { failure, type Result, success } from '../../../base/index.ts'
import type { Clock } from '../../../runtime/index.ts'
import type { Launch, Obstacle } from '../container/container.ts'
import { type PodAddresses, serviceAddressesFrom } from '../network/pod-addresses.ts'
import { type CheckTarget, checkFor, checkTcp, type Inside, probedPort } from '../probe/checks.ts'
import { probeTiming } from '../probe/probe-state.ts'
import type { ProbePlan } from '../probe/prober.ts'
import { environmentSources, renderEnvironment } from '../spec/environment.ts'
import { expandVariables } from '../spec/expand.ts'
import { commandLine, resolveImage } from '../spec/local-image.ts'
import type { SidecarMode } from '../spec/sidecar-membership.ts'
import type { PodDependencies } from './pod-dependencies.ts'

export interface ProgramPlace {
  readonly pod: Pod
  readonly mode: SidecarMode
  readonly addresses: PodAddresses
  /** Where the program may leave a termination message. */
  readonly messageFile: string
  readonly inside: Inside
}

/** Says how to start a container's program, or why that is not possible yet. */
export async function prepareProgram(
  dependencies: PodDependencies,
  place: ProgramPlace,
  container: Container,
): Promise<Result<Launch, Obstacle>> {
  const program = resolveImage(dependencies.images(), container.image)
  if (!program.ok) return failure({ reason: 'ErrImagePull', message: program.error })
  const environment = renderEnvironment({
    pod: place.pod,
    container,
    machine: dependencies.machine,
    image: program.value.env,
    podIP: place.addresses.podIP,
    host: place.addresses.host,
    messageFile: place.messageFile,
    isMeshed: place.mode === 'sidecar',
    services: serviceAddressesFrom(place.pod, place.addresses, dependencies.services()),
    ...(await readSources(dependencies, place.pod, container)),
  })
  if (!environment.ok) return failure({ reason: 'CreateContainerConfigError', message: environment.error })
  const env = environment.value
  const { cwd, imageID } = program.value
  const argv = commandLine(program.value, container).map((argument) => expandVariables(argument, env))
  const { inside } = place
  const target = { container, host: place.addresses.host, env, cwd, log: dependencies.log, inside }
  return success({
    argv: inside(argv),
    env,
    imageID,
    ...(cwd === undefined ? {} : { cwd }),
    ...probesOf(container, target, dependencies.clock),
  })
}

function probesOf(
  container: Container,
  target: CheckTarget,
  clock: Clock,
): Pick<Launch, 'readiness' | 'liveness' | 'startup'> {
  const { readinessProbe, livenessProbe, startupProbe } = container
  return {
    ...(readinessProbe === undefined ? {} : { readiness: planOf(readinessProbe, target, clock) }),
    ...(livenessProbe === undefined ? {} : { liveness: planOf(livenessProbe, target, clock) }),
    ...(startupProbe === undefined ? {} : { startup: planOf(startupProbe, target, clock) }),
  }
}

function planOf(probe: Probe, target: CheckTarget, clock: Clock): ProbePlan {
  const port = probedPort(probe, target)
  const plan = { timing: probeTiming(probe), check: checkFor(probe, target) }
  if (port === undefined) return plan
  return { ...plan, firstWhen: (signal) => untilListening(target.host, port, clock, signal) }
}

async function untilListening(host: string, port: number, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await checkTcp(host, port, signal)).ok) await clock.sleep(25, signal)
}

/** The ports a container's program may listen on: those below 1024 are moved up. */
export const listenPorts = (container: Container): readonly number[] =>
  (container.ports ?? []).flatMap(({ containerPort }) => [containerPort, publishedPort(containerPort)])

interface Sources {
  readonly configMaps: ReadonlyMap<string, ConfigMap>
  readonly secrets: ReadonlyMap<string, Secret>
}

async function readSources({ client }: PodDependencies, pod: Pod, container: Container): Promise<Sources> {
  const names = environmentSources(container)
  const read = async <T extends KubernetesObject>(kind: ResourceKind<T>, wanted: readonly string[]) => {
    const found = new Map<string, T>()
    for (const name of new Set(wanted)) {
      const object = await client.get(kind, { namespace: pod.metadata.namespace, name })
      if (object !== undefined) found.set(name, object)
    }
    return found
  }
  return { configMaps: await read(configMapKind, names.configMaps), secrets: await read(secretKind, names.secrets) }
}

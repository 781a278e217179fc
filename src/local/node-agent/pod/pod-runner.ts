import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Container, isShared, type Pod } from '../../../api/index.ts'
import type { EventNote } from '../../../kube/index.ts'
import { type Logger, messageOf, untilAborted } from '../../../runtime/index.ts'
import { type ContainerOptions, createContainer, type RunningContainer } from '../container/container.ts'
import { type ContainerLog, createContainerLog } from '../container/container-log.ts'
import { createPodIsolation, type PodIsolation } from '../network/isolation.ts'
import type { PodAddresses } from '../network/pod-addresses.ts'
import { createNotifier, type Notifier } from '../notifier.ts'
import type { SidecarMode } from '../spec/sidecar-membership.ts'
import { initialRecord } from './earlier-run.ts'
import { prepareEnvoy } from './envoy-launch.ts'
import { leaveTraffic } from './leave-traffic.ts'
import { explainAddressInUse, findStrayListener } from './listening-check.ts'
import type { PodDependencies } from './pod-dependencies.ts'
import { createPodReporter, type PodReporter } from './pod-reporter.ts'
import { prepareProgram } from './program-launch.ts'
import { createProxyAdministration, type ProxyAdministration } from './proxy-administration.ts'
import { readTerminationMessage } from './termination-message.ts'

export const sidecarName = 'istio-proxy'

/** Retry of a container that misses a ConfigMap or Secret; LocalImages wake it at once. */
const PREPARE_AGAIN_MS = 2_000
const GATEWAY_IMAGE = 'auto'

export interface PodRunner {
  readonly pod: Pod
  /** The object changed: its deletion is what matters. */
  update(pod: Pod): void
  /** The object is gone: nothing of it may stay. */
  vanish(): void
  /** LocalImages changed: containers that wait for theirs look again. */
  imagesChanged(): void
  /** Services changed: this pod's own addresses follow. */
  servicesChanged(): void
  log(container: string | undefined): ContainerLog | undefined
  /** Resolves when the pod is gone, or when the agent's stop has ended its processes. */
  start(stop: AbortSignal): Promise<void>
}

export function createPodRunner(dependencies: PodDependencies, pod: Pod, mode: SidecarMode): PodRunner {
  return new PodLife(dependencies, pod, mode)
}

type Departure = 'deleted' | 'vanished' | 'stopped'

class PodLife implements PodRunner {
  readonly #dependencies: PodDependencies
  readonly #mode: SidecarMode
  readonly #addresses: PodAddresses
  readonly #isolation: PodIsolation
  readonly #log: Logger
  readonly #logs = new Map<string, ContainerLog>()
  readonly #containers = new Map<string, RunningContainer>()
  readonly #imageWaiters: Notifier[] = []
  readonly #strays = new Map<string, string>()
  readonly #leaving = new AbortController()
  readonly #vanished = new AbortController()
  readonly #reporter: PodReporter
  readonly #sidecar: RunningContainer | undefined
  #proxy: ProxyAdministration | undefined
  #departure: Departure | undefined
  #pod: Pod

  constructor(dependencies: PodDependencies, pod: Pod, mode: SidecarMode) {
    this.#dependencies = dependencies
    this.#pod = pod
    this.#mode = mode
    this.#addresses = dependencies.addresses.assign(pod, mode)
    this.#addresses.follow(dependencies.services())
    this.#isolation = createPodIsolation(dependencies.network, pod, mode)
    this.#log = dependencies.log.child({ pod: `${pod.metadata.namespace}/${pod.metadata.name}` })
    for (const container of pod.spec.containers) this.#containers.set(container.name, this.#create(container))
    this.#sidecar = mode === 'sidecar' ? this.#createEnvoy(sidecarName) : undefined
    this.#reporter = createPodReporter({
      ...dependencies,
      log: this.#log,
      vanished: () => this.vanish(),
      observe: () => ({
        pod: this.#pod,
        mode,
        addresses: this.#addresses,
        containers: new Map([...this.#containers].map(([name, container]) => [name, container.record()])),
        sidecar: this.#sidecar?.record(),
        strays: [...this.#strays.values()],
      }),
    })
  }

  get pod(): Pod {
    return this.#pod
  }

  update(pod: Pod): void {
    this.#pod = pod
    if (pod.metadata.deletionTimestamp !== undefined) this.#leave('deleted')
  }

  vanish(): void {
    this.#leave('vanished')
    this.#vanished.abort()
  }

  imagesChanged(): void {
    for (const waiter of this.#imageWaiters) waiter.notify()
  }

  servicesChanged(): void {
    const services = this.#dependencies.services()
    if (this.#addresses.follow(services)) this.#reporter.changed()
    this.#isolation.servicesChanged(services).catch((error: unknown) => {
      this.#log.warn({ error: messageOf(error) }, 'the names of Services were not written')
    })
  }

  log(container: string | undefined): ContainerLog | undefined {
    return this.#logs.get(container ?? this.#pod.spec.containers[0]?.name ?? '')
  }

  async start(stop: AbortSignal): Promise<void> {
    const stopped = () => this.#leave('stopped')
    stop.addEventListener('abort', stopped, { once: true })
    if (stop.aborted) stopped()
    // A pod that was on its way out when the agent started has nothing left to end.
    if (this.#pod.metadata.deletionTimestamp !== undefined) this.#leave('deleted')
    const reporting = new AbortController()
    const reports = this.#reporter.start(reporting.signal)
    const life = this.#live()
    await untilAborted(this.#leaving.signal)
    await this.#terminate(stop)
    await life
    reporting.abort()
    await reports
    stop.removeEventListener('abort', stopped)
    if (this.#departure === 'deleted') await this.#reporter.remove(stop)
    if (this.#departure !== 'stopped') await this.#removeFiles()
    await this.#isolation.leave()
    this.#addresses.release()
  }

  async #removeFiles(): Promise<void> {
    await rm(join(this.#dependencies.directory, this.#pod.metadata.uid ?? ''), { recursive: true, force: true })
  }

  #leave(departure: Departure): void {
    if (this.#departure === undefined || departure === 'vanished') this.#departure = departure
    this.#leaving.abort()
  }

  async #live(): Promise<void> {
    const { signal } = this.#leaving
    this.#reporter.changed()
    if (!signal.aborted) await this.#isolation.enter(this.#addresses.podIP, this.#dependencies.services)
    const sidecar = signal.aborted ? undefined : this.#sidecar?.start()
    await this.#untilSidecarReady(signal)
    if (!signal.aborted) await Promise.all([...this.#containers.values()].map((each) => each.start()))
    // Every container has ended for good: a sidecar would keep a finished pod alive.
    if (!signal.aborted) await this.#sidecar?.stop(this.#dependencies.timing.shutdownGraceMs)
    await sidecar
  }

  /** A program that starts before its sidecar would find its Services unreachable. */
  async #untilSidecarReady(signal: AbortSignal): Promise<void> {
    while (this.#sidecar?.record().ready === false && !signal.aborted) {
      await this.#dependencies.clock.sleep(25, signal)
    }
  }

  async #terminate(stop: AbortSignal): Promise<void> {
    const { clock, timing } = this.#dependencies
    const deadline = clock.monotonic() + this.#graceMs()
    if (this.#departure === 'deleted') await this.#leaveTraffic(AbortSignal.any([stop, this.#vanished.signal]))
    const grace = Math.max(0, deadline - clock.monotonic())
    const shorten = () => void this.#stopContainers(timing.shutdownGraceMs)
    stop.addEventListener('abort', shorten, { once: true })
    await this.#stopContainers(stop.aborted ? Math.min(grace, timing.shutdownGraceMs) : grace)
    stop.removeEventListener('abort', shorten)
    await this.#sidecar?.stop(timing.shutdownGraceMs)
  }

  /** At most for half of the time that the pod has: the other half is the programs'. */
  async #leaveTraffic(signal: AbortSignal): Promise<void> {
    const { clock, timing, untilGone } = this.#dependencies
    if (![...this.#containers.values()].some((container) => container.record().started)) return
    const { podIP } = this.#addresses
    await leaveTraffic(
      {
        untilGone: (limited) => untilGone(podIP, limited),
        proxy: this.#proxy,
        forgetAtMostMs: timing.forgetAtMostMs,
        atMostMs: this.#graceMs() / 2,
        clock,
        log: this.#log,
      },
      signal,
    )
  }

  async #stopContainers(graceMs: number): Promise<void> {
    await Promise.all([...this.#containers.values()].map((container) => container.stop(graceMs)))
  }

  #graceMs(): number {
    const { metadata, spec } = this.#pod
    return (metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30) * 1_000
  }

  #create(container: Container): RunningContainer {
    if (this.#mode === 'gateway' && container.image === GATEWAY_IMAGE) return this.#createEnvoy(container.name)
    const { inside } = this.#isolation
    const place = { pod: this.#pod, mode: this.#mode, addresses: this.#addresses, inside }
    const waiter = createNotifier()
    this.#imageWaiters.push(waiter)
    const { clock } = this.#dependencies
    const { host } = this.#addresses
    const messageFile = join(this.#dependencies.directory, this.#pod.metadata.uid ?? '', container.name, 'message')
    return createContainer({
      ...this.#containerOptions(container.name),
      prepare: async () => {
        await rm(messageFile, { force: true })
        return prepareProgram(this.#dependencies, { ...place, pod: this.#pod, messageFile }, container)
      },
      terminationMessage: (hasFailed) =>
        readTerminationMessage({ container, file: messageFile, log: this.log(container.name), hasFailed }),
      async untilPreparable(signal) {
        const settled = new AbortController()
        const either = AbortSignal.any([signal, settled.signal])
        await Promise.race([waiter.next(either), clock.sleep(PREPARE_AGAIN_MS, either)])
        settled.abort()
      },
      watchProcess: (pid, signal) => this.#checkListener(container, pid, signal),
      explainExit: () => explainAddressInUse(this.log(container.name)?.tail(4_096) ?? '', container, host),
    })
  }

  #createEnvoy(name: string): RunningContainer {
    const { sidecar, directory, socketDirectory, clock } = this.#dependencies
    const uid = this.#pod.metadata.uid ?? ''
    const adminSocket = join(socketDirectory, `${uid.slice(0, 18)}.sock`)
    const administration = createProxyAdministration(
      adminSocket,
      name === sidecarName && this.#mode === 'sidecar' ? 'sidecar' : 'gateway',
    )
    this.#proxy = administration
    const place = { directory: join(directory, uid), adminSocket, administration }
    return createContainer({
      ...this.#containerOptions(name),
      restartPolicy: 'Always',
      prepare: async () => {
        const { podIP } = this.#addresses
        return prepareEnvoy(sidecar, this.#pod, this.#mode, { podIP, place, inside: this.#isolation.inside })
      },
      untilPreparable: (signal) => clock.sleep(PREPARE_AGAIN_MS, signal),
    })
  }

  #containerOptions(name: string): Omit<ContainerOptions, 'prepare' | 'untilPreparable'> {
    const { directory, timing, clock } = this.#dependencies
    const { metadata, spec } = this.#pod
    const output = createContainerLog(join(directory, metadata.uid ?? '', name))
    this.#logs.set(name, output)
    return {
      name,
      podName: `${metadata.name}_${metadata.namespace}(${metadata.uid})`,
      restartPolicy: spec.restartPolicy ?? 'Always',
      restartTiming: timing.restart,
      graceMs: (spec.terminationGracePeriodSeconds ?? 30) * 1_000,
      output,
      initial: initialRecord(this.#pod, name, new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')),
      clock,
      log: this.#log.child({ container: name }),
      changed: () => this.#reporter.changed(),
      note: (note) => this.#note(note),
    }
  }

  async #checkListener(container: Container, pid: number, signal: AbortSignal): Promise<void> {
    const { host } = this.#addresses
    if (!isShared(host)) return
    this.#strays.delete(container.name)
    const stray = await findStrayListener({ container, host, pid, clock: this.#dependencies.clock }, signal)
    if (stray === undefined) return
    this.#strays.set(container.name, stray)
    this.#reporter.changed()
    this.#note({ type: 'Warning', reason: 'ListensElsewhere', message: stray })
  }

  #note(note: EventNote): void {
    this.#dependencies.events.record(this.#pod, note).catch((error: unknown) => {
      this.#log.warn({ error: messageOf(error) }, 'an event was not recorded')
    })
  }
}

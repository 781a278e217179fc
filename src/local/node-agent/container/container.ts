import type { Writable } from 'node:stream'
import type { ContainerState } from '../../../api/index.ts'
import type { Result } from '../../../base/index.ts'
import type { EventNote } from '../../../kube/index.ts'
import { type Child, type ChildExit, type Clock, type Logger, messageOf, spawnChild } from '../../../runtime/index.ts'
import { type ProbePlan, runProbe } from '../probe/prober.ts'
import type { ContainerLog } from './container-log.ts'
import { exitedState, shouldRestart } from './exit.ts'
import { firstRestart, type RestartTiming, restartDelay } from './restart-delay.ts'

/** What can be seen of a container. */
export interface ContainerRecord {
  readonly state: ContainerState
  readonly lastState?: ContainerState
  readonly ready: boolean
  readonly started: boolean
  readonly restartCount: number
  readonly imageID: string
  readonly argv?: readonly string[]
  readonly pid?: number
}

/** How to start the program once. */
export interface Launch {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly imageID: string
  readonly readiness?: ProbePlan
  readonly liveness?: ProbePlan
  readonly startup?: ProbePlan
}

/** Why it can not be started now: the container waits with this reason. */
export interface Obstacle {
  readonly reason: string
  readonly message: string
}

export interface ContainerOptions {
  readonly name: string
  /** Names the pod in messages, as the kubelet does. */
  readonly podName: string
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never'
  readonly restartTiming: RestartTiming
  /** Milliseconds between SIGTERM and SIGKILL when a probe ends it. */
  readonly graceMs: number
  prepare(): Promise<Result<Launch, Obstacle>>
  /** Resolves when it is worth preparing again. */
  untilPreparable(signal: AbortSignal): Promise<void>
  /** Called with the process of every start. */
  watchProcess?(pid: number, signal: AbortSignal): Promise<void>
  /** Adds to the message of a failed run what its output says. */
  explainExit?(): string | undefined
  /** What the program left for whoever reads its status. */
  terminationMessage?(hasFailed: boolean): string | undefined
  readonly output: ContainerLog
  readonly initial: Pick<ContainerRecord, 'restartCount' | 'lastState'>
  readonly clock: Clock
  readonly log: Logger
  changed(): void
  note(note: EventNote): void
}

export interface RunningContainer {
  record(): ContainerRecord
  /** Resolves when it was stopped, or has ended for good by its restart policy. */
  start(): Promise<void>
  stop(graceMs: number): Promise<void>
}

/** Runs a container as the kubelet does: prepare, start, probe, restart with back-off. */
export function createContainer(options: ContainerOptions): RunningContainer {
  return new ContainerLoop(options)
}

class ContainerLoop implements RunningContainer {
  readonly #options: ContainerOptions
  readonly #stop = new AbortController()
  #record: ContainerRecord
  #child: Child | undefined
  #run: Promise<void> | undefined

  constructor(options: ContainerOptions) {
    this.#options = options
    this.#record = {
      state: { waiting: { reason: 'ContainerCreating' } },
      ready: false,
      started: false,
      imageID: '',
      ...options.initial,
    }
  }

  record(): ContainerRecord {
    return this.#record
  }

  start(): Promise<void> {
    this.#run ??= this.#loop()
    return this.#run
  }

  async stop(graceMs: number): Promise<void> {
    this.#stop.abort()
    await this.#child?.stop({ graceMs })
    await this.#run
  }

  async #loop(): Promise<void> {
    const { clock, restartPolicy, restartTiming } = this.#options
    let restarts = firstRestart
    while (!this.#stop.signal.aborted) {
      const launch = await this.#prepared()
      if (launch === undefined) return
      const startedAt = clock.monotonic()
      const ok = await this.#runOnce(launch)
      if (this.#stop.signal.aborted || !shouldRestart(restartPolicy, ok)) return
      const { delayMs, next } = restartDelay(restartTiming, restarts, clock.monotonic() - startedAt)
      restarts = next
      await this.#backOff(delayMs)
    }
  }

  async #prepared(): Promise<Launch | undefined> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const prepared = await this.#options.prepare()
      if (prepared.ok) return prepared.value
      this.#wait(prepared.error)
      await this.#options.untilPreparable(signal)
    }
    return undefined
  }

  async #runOnce(launch: Launch): Promise<boolean> {
    const startedAt = this.#options.clock.now()
    const output = this.#options.output.begin()
    try {
      const exit = await this.#runProcess(launch, output.sink)
      return this.#ended(exit, startedAt)
    } catch (error) {
      const message = messageOf(error)
      this.#options.note({ type: 'Warning', reason: 'Failed', message: `Error: ${message}` })
      // The kubelet's code for a program that could not be started.
      return this.#ended({ code: 128, signal: null }, startedAt, { reason: 'StartError', message })
    } finally {
      output.end()
    }
  }

  async #runProcess(launch: Launch, sink: Writable): Promise<ChildExit> {
    const { log, name, clock, note } = this.#options
    const [command = '', ...args] = launch.argv
    const cwd = launch.cwd === undefined ? {} : { cwd: launch.cwd }
    const child = spawnChild({ command, args, env: launch.env, ...cwd, stdout: sink, stderr: sink, log })
    this.#child = child
    // Asked to stop while it was being prepared: nobody else would end it.
    if (this.#stop.signal.aborted) child.kill('SIGKILL')
    const { readiness, startup } = launch
    this.#update({
      state: { running: { startedAt: timestamp(clock.now()) } },
      started: startup === undefined,
      ready: readiness === undefined && startup === undefined,
      imageID: launch.imageID,
      argv: launch.argv,
      pid: child.pid,
    })
    note({ type: 'Normal', reason: 'Started', message: `Started container ${name}` })
    return this.#observe(launch, child)
  }

  async #observe(launch: Launch, child: Child): Promise<ChildExit> {
    const observing = new AbortController()
    const observers = [
      this.#probe(launch, child, observing.signal),
      this.#options.watchProcess?.(child.pid, observing.signal) ?? Promise.resolve(),
    ]
    const exit = await child.exited
    this.#child = undefined
    observing.abort()
    await Promise.allSettled(observers)
    return exit
  }

  async #probe({ startup, readiness, liveness }: Launch, child: Child, signal: AbortSignal): Promise<void> {
    if (startup !== undefined) {
      await this.#probeStartup(startup, child, signal)
      this.#update({ started: true, ready: readiness === undefined && !signal.aborted })
    }
    await Promise.all([
      readiness && this.#runProbe('Readiness', readiness, signal, (ok) => this.#setReady(ok)),
      liveness &&
        this.#runProbe('Liveness', liveness, signal, (ok) => (ok ? undefined : this.#kill('liveness', child))),
    ])
  }

  async #probeStartup(plan: ProbePlan, child: Child, signal: AbortSignal): Promise<void> {
    const succeeded = new AbortController()
    await this.#runProbe('Startup', plan, AbortSignal.any([signal, succeeded.signal]), (ok) => {
      if (ok) succeeded.abort()
      else this.#kill('startup', child)
    })
  }

  #runProbe(kind: string, plan: ProbePlan, signal: AbortSignal, verdict: (ok: boolean) => void): Promise<void> {
    const failed = (message: string) =>
      this.#options.note({ type: 'Warning', reason: 'Unhealthy', message: `${kind} probe failed: ${message}` })
    return runProbe(plan, { verdict, failed }, this.#options.clock, signal)
  }

  #kill(probe: string, child: Child): void {
    const { name, note, graceMs } = this.#options
    const message = `Container ${name} failed ${probe} probe, will be restarted`
    note({ type: 'Normal', reason: 'Killing', message })
    // Its end is awaited where it was started.
    void child.stop({ graceMs })
  }

  #ended(exit: ChildExit, startedAt: number, cause?: { readonly reason: string; readonly message: string }): boolean {
    const { clock, explainExit } = this.#options
    const explained = exit.code === 0 ? undefined : explainExit?.()
    const message = cause?.message ?? explained ?? this.#options.terminationMessage?.(exit.code !== 0)
    const state = exitedState(exit, {
      startedAt: timestamp(startedAt),
      finishedAt: timestamp(clock.now()),
      ...(cause === undefined ? {} : { reason: cause.reason }),
      ...(message === undefined ? {} : { message }),
    })
    const { pid: _, ...rest } = this.#record
    this.#record = { ...rest, state, ready: false, started: false }
    this.#options.changed()
    return state.terminated.exitCode === 0
  }

  async #backOff(delayMs: number): Promise<void> {
    const { name, podName, clock, note } = this.#options
    const { state, restartCount } = this.#record
    if (delayMs > 0) {
      const message = `back-off ${delayMs / 1_000}s restarting failed container=${name} pod=${podName}`
      this.#update({ state: { waiting: { reason: 'CrashLoopBackOff', message } }, lastState: state })
      note({ type: 'Warning', reason: 'BackOff', message: `Back-off restarting failed container ${name}` })
      await clock.sleep(delayMs, this.#stop.signal)
    }
    // Told with the start that follows, not before it.
    this.#record = { ...this.#record, lastState: state, restartCount: restartCount + 1 }
  }

  #wait(obstacle: Obstacle): void {
    const { waiting } = this.#record.state
    if (waiting?.reason === obstacle.reason && waiting.message === obstacle.message) return
    this.#update({ state: { waiting: obstacle }, ready: false })
    this.#options.note({ type: 'Warning', reason: obstacle.reason, message: obstacle.message })
  }

  #setReady(ready: boolean): void {
    if (this.#record.ready !== ready && this.#record.state.running !== undefined) this.#update({ ready })
  }

  #update(change: Partial<ContainerRecord>): void {
    this.#record = { ...this.#record, ...change }
    this.#options.changed()
  }
}

/** Kubernetes' times have whole seconds. */
const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')

import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { type Replay, replayRun } from '../../analysis/index.ts'
import { type Canary, type CanaryRun, canaryKind, canaryRunKind, parseCanary } from '../../api/index.ts'
import { messageOf } from '../../runtime/index.ts'
import { type ConnectionOptions, connect } from '../connection.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { processOutput, renderTable } from '../output.ts'

export interface ReplayOptions extends ConnectionOptions {
  readonly with: string
  readonly output: 'text' | 'json'
}

/** Judges a recorded run by the analysis of a file, and says what would have come of it. */
export async function replay(runName: string, options: ReplayOptions): Promise<void> {
  const canary = await readCanaryFile(options.with)
  const run = await connect(options).get(canaryRunKind, { namespace: options.namespace, name: runName })
  if (run === undefined) {
    throw new CommandError(`there is no run ${options.namespace}/${runName}: see "sluice status"`, exitCodes.notFound)
  }
  const replayed = replayRun(run, canary.spec)
  const render = options.output === 'json' ? renderJson : renderReplay
  processOutput.out(render(run, replayed))
}

async function readCanaryFile(path: string): Promise<Canary> {
  const refuse = (why: string) => new CommandError(`--with ${path}: ${why}`, exitCodes.usage)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw refuse(messageOf(error))
  })
  const documents = parseAllDocuments(text)
  const broken = documents.flatMap(({ errors }) => errors)[0]
  if (broken !== undefined) throw refuse(broken.message)
  const canaries = documents.map((document): unknown => document.toJS()).filter(isCanary)
  if (canaries.length !== 1) throw refuse(`it has ${canaries.length} canaries where one is needed`)
  const parsed = parseCanary(canaries[0])
  if (!parsed.ok) throw refuse(parsed.error)
  return parsed.value
}

const isCanary = (document: unknown): boolean =>
  typeof document === 'object' && document !== null && 'kind' in document && document.kind === canaryKind.kind

const renderJson = (run: CanaryRun, replayed: Replay): string =>
  JSON.stringify({ schemaVersion: 1, run: run.metadata.name, outcome: run.status?.phase ?? null, ...replayed }, null, 2)

export function renderReplay(run: CanaryRun, { checks, rollback }: Replay): string {
  const rows = checks.map(({ metric, step, recorded, replayed }) => [
    recorded.windowEnd,
    step.kind === 'mirror' ? 'mirror' : `${step.weight}%`,
    metric,
    recorded.decision ?? recorded.state,
    replayed.decision ?? replayed.state,
    replayed.message,
  ])
  const table = renderTable(['CHECK', 'WEIGHT', 'METRIC', 'RECORDED', 'REPLAYED', 'BECAUSE'], rows)
  return [...(rows.length === 0 ? [] : [table, '']), conclude(run, rollback)].join('\n')
}

function conclude(run: CanaryRun, rollback: Replay['rollback']): string {
  const was = `The run ${run.metadata.name} is ${run.status?.phase ?? 'begun'}.`
  if (rollback === undefined) {
    return `${was} None of its recorded checks would have rolled it back; what would have come after them is not on record.`
  }
  const { check, failedChecks } = rollback
  const at = `at ${check.recorded.windowEnd}, weight ${check.step.weight}%, failed check ${failedChecks}`
  return `${was} It would have been rolled back ${at}: ${check.replayed.message}`
}

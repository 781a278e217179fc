import { type Replay, replayRun } from '../../analysis/index.ts'
import { type CanaryRun, canaryRunKind } from '../../api/index.ts'
import { readCanaryFile } from '../canary-file.ts'
import { type ConnectionOptions, connect } from '../connection.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { processOutput, renderTable } from '../output.ts'

export interface ReplayOptions extends ConnectionOptions {
  readonly with: string
  readonly output: 'text' | 'json'
}

/** Judges a recorded run by the analysis of a file, and says what would have come of it. */
export async function replay(runName: string, options: ReplayOptions): Promise<void> {
  const canary = await readCanaryFile(options.with, '--with ')
  const run = await connect(options).get(canaryRunKind, { namespace: options.namespace, name: runName })
  if (run === undefined) {
    throw new CommandError(`there is no run ${options.namespace}/${runName}: see "sluice status"`, exitCodes.notFound)
  }
  const replayed = replayRun(run, canary.spec)
  const render = options.output === 'json' ? renderJson : renderReplay
  processOutput.out(render(run, replayed))
}

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

import { type CanaryRun, canaryRunKind } from '../../api/index.ts'
import { type ConnectionOptions, connect, getCanaryOrFail } from '../connection.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { explainRun } from '../explain-run.ts'
import { processOutput } from '../output.ts'

export interface ExplainOptions extends ConnectionOptions {
  readonly run?: string
  readonly output: 'text' | 'json'
}

/** Shows the verdict records of a run: that of the newest one, unless another is named. */
export async function explain(name: string, options: ExplainOptions): Promise<void> {
  const client = connect(options)
  const canary = await getCanaryOrFail(client, options.namespace, name)
  const runName = options.run ?? canary.status?.runName
  if (runName === undefined) throw new CommandError(`canary ${name} has had no release yet`, exitCodes.notFound)
  const run = await client.get(canaryRunKind, { namespace: options.namespace, name: runName })
  if (run === undefined || run.spec.canary !== name) {
    throw new CommandError(`canary ${name} has no run ${runName}: the last ten are kept`, exitCodes.notFound)
  }
  processOutput.out(options.output === 'json' ? renderJson(run) : explainRun(run))
}

const renderJson = (run: CanaryRun): string => JSON.stringify({ schemaVersion: 1, run }, null, 2)

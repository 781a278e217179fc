import { type Canary, type CanaryRun, canaryRunKind, describeChange } from '../../api/index.ts'
import { type ConnectionOptions, connect, getCanaryOrFail } from '../connection.ts'
import { processOutput } from '../output.ts'

export interface StatusOptions extends ConnectionOptions {
  readonly output: 'text' | 'json'
}

export async function showStatus(name: string, options: StatusOptions): Promise<void> {
  const client = connect(options)
  const canary = await getCanaryOrFail(client, options.namespace, name)
  const runName = canary.status?.runName
  const run =
    runName === undefined ? undefined : await client.get(canaryRunKind, { namespace: options.namespace, name: runName })
  processOutput.out(options.output === 'json' ? renderJson(canary, run) : renderText(canary, run))
}

const renderJson = (canary: Canary, run: CanaryRun | undefined): string =>
  JSON.stringify({ schemaVersion: 1, canary, run: run ?? null }, null, 2)

function renderText(canary: Canary, run: CanaryRun | undefined): string {
  const status = canary.status
  const field = (title: string, value: string | undefined) => (value ? [`${`${title}:`.padEnd(14)}${value}`] : [])
  return [
    ...field('Canary', `${canary.metadata.namespace}/${canary.metadata.name}`),
    ...field('Phase', status?.phase || 'not yet seen by the controller'),
    ...field('Message', status?.message),
    ...field('Weight', `${status?.canaryWeight ?? 0}%`),
    ...field('Mirror', status?.mirrorWeight ? `${status.mirrorWeight}%` : undefined),
    ...field('Version', status?.version),
    ...field('Revision', status?.lastAppliedSpec),
    ...(run === undefined ? [] : renderRun(run)),
    ...(status?.history ?? []).map((line, index) => `${(index === 0 ? 'History:' : '').padEnd(14)}${line}`),
  ].join('\n')
}

function renderRun(run: CanaryRun): readonly string[] {
  const steps = run.status?.steps ?? []
  return [
    `${'Run:'.padEnd(14)}${run.metadata.name}: ${describeChange(run.spec.previousImages, run.spec)}`,
    ...steps.flatMap((step, index) => [
      `${(index === 0 ? 'Steps:' : '').padEnd(14)}${step.outcome.padEnd(11)}${step.kind} ${step.kind === 'mirror' ? step.mirrorWeight : step.weight}%`,
      ...step.verdicts.slice(-3).map((verdict) => `${''.padEnd(16)}${verdict.metric}: ${verdict.message}`),
    ]),
  ]
}

import { stringify } from 'yaml'
import { type Canary, canaryKind, phaseSchema } from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'
import { untilSignal } from '../../runtime/index.ts'
import { type ConnectionOptions, connect, getCanaryOrFail, watchCanaries } from '../connection.ts'
import { canaryHeads, canaryRow } from '../describe-canary.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { createRowRenderer, processOutput, renderTable } from '../output.ts'

export interface GetOptions extends ConnectionOptions {
  readonly allNamespaces?: boolean
  readonly watch?: boolean
  readonly output: 'table' | 'json' | 'yaml'
}

export async function getCanary(name: string | undefined, options: GetOptions): Promise<void> {
  const client = connect(options)
  if (options.watch === true) return await follow(client, name, options)
  const canaries =
    name === undefined ? await listCanaries(client, options) : [await getCanaryOrFail(client, options.namespace, name)]
  if (canaries.length === 0 && options.output === 'table') processOutput.err(noneFound(options))
  else processOutput.out(render(canaries, name !== undefined, options.output))
}

const noneFound = ({ allNamespaces, namespace }: GetOptions): string =>
  allNamespaces === true ? 'No canaries found.' : `No canaries found in namespace ${namespace}; -A looks in all.`

async function listCanaries(client: KubeClient, options: GetOptions): Promise<readonly Canary[]> {
  const { items } = await client.list(
    canaryKind,
    options.allNamespaces === true ? {} : { namespace: options.namespace },
  )
  return items
}

function render(canaries: readonly Canary[], single: boolean, format: GetOptions['output']): string {
  if (format === 'table') return renderTable(canaryHeads, canaries.map(canaryRow))
  const value = single ? canaries[0] : { apiVersion: 'v1', kind: 'List', items: canaries }
  return format === 'json' ? JSON.stringify(value, null, 2) : stringify(value).trimEnd()
}

/** A line at each visible change; one JSON object a line with `-o json`. */
async function follow(client: KubeClient, name: string | undefined, options: GetOptions): Promise<void> {
  if (options.output === 'yaml') throw new CommandError('--watch prints tables or JSON: leave "-o yaml" out')
  const scope = {
    ...(options.allNamespaces === true ? {} : { namespace: options.namespace }),
    ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
  }
  using stop = untilSignal()
  const shown = new Map<string, string>()
  const renderRow = createRowRenderer(canaryHeads, [...(await listCanaries(client, options)).map(canaryRow), widestRow])
  if (options.output === 'table') processOutput.out(renderRow(canaryHeads))
  const watch = { client, scope, read: (state: Canary | 'none') => state }
  for await (const canary of watchCanaries(watch, stop.signal)) {
    if (canary === 'none') continue
    const line = options.output === 'json' ? JSON.stringify(canary) : renderRow(canaryRow(canary))
    const key = `${canary.metadata.namespace}/${canary.metadata.name}`
    if (shown.get(key) !== line) processOutput.out(line)
    shown.set(key, line)
  }
  process.exitCode = exitCodes.interrupted
}

/** Rows that come later must stand under the same heads: their phase may be the longest. */
const widestRow = ['', '', phaseSchema.options.reduce((one, other) => (one.length < other.length ? other : one))]

import { CommandError, exitCodes } from '../exit-codes.ts'
import { type MeshDoorOptions, readStatuses, type SeenStatus } from '../mesh-door.ts'
import { processOutput, renderTable } from '../output.ts'

export interface ProxyStatusOptions extends MeshDoorOptions {
  readonly output: 'table' | 'json'
}

/** Every connected proxy, or one pod's, and how far it is with each type. */
export async function showProxyStatus(pod: string | undefined, options: ProxyStatusOptions): Promise<void> {
  const all = await readStatuses(options)
  const shown = all.filter(({ proxy }) => pod === undefined || proxy === `${pod}.${options.namespace}`)
  if (pod !== undefined && shown.length === 0) {
    throw new CommandError(`no proxy ${options.namespace}/${pod} is connected`, exitCodes.notFound)
  }
  if (options.output === 'json') return processOutput.out(JSON.stringify(shown, null, 2))
  if (shown.length === 0) return processOutput.err('No proxies are connected.')
  processOutput.out(renderTable(heads, shown.map(rowOf)))
  for (const line of shown.flatMap(rejections)) processOutput.out(line)
}

const heads = ['NAME', 'CDS', 'LDS', 'EDS', 'RDS', 'SDS', 'VERSION', 'REPLICA']

const rowOf = ({ proxy, types, agent, replica }: SeenStatus): readonly string[] => [
  proxy,
  ...[types.cluster, types.listener, types.endpoints, types.routes, types.secret],
  agent,
  replica,
]

const rejections = ({ proxy, rejected }: SeenStatus): readonly string[] =>
  rejected.map(({ type, name, message }) => `\n${proxy} rejected ${type} ${name}: ${message}`)

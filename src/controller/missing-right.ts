import { type KubeClient, KubeError } from '../kube/index.ts'

/** Kinds that the controller may use only in the namespaces of a value of the chart. */
const chartValues: Readonly<Record<string, string>> = {
  secrets: 'controller.readSecretsIn',
  jobs: 'controller.runJobsIn',
}

/** As an API server words what no role allows, and what admission asks of roles. */
const NO_RIGHT = / is forbidden: (User ".*" cannot |cannot set )/

/** The words of the API server and, where a right is missing, who must be given it. */
export function explainRefusal({ message, code, details }: KubeError): string {
  if (code !== 403 || !NO_RIGHT.test(message)) return message
  const kind = details !== undefined && 'kind' in details ? String(details.kind) : ''
  const value = chartValues[kind]
  return value === undefined
    ? `${message}: add it to the role of the controller`
    : `${message}: name the namespace in ${value} of the chart`
}

type Client = Pick<KubeClient, 'get' | 'list' | 'create' | 'delete'>

/** The same client for the controller itself, whose errors say what it must be given. */
export const withExplainedRefusals = (client: Client): Client => ({
  get: (kind, ref) => client.get(kind, ref).catch(rethrowExplained),
  list: (kind, options) => client.list(kind, options).catch(rethrowExplained),
  create: (kind, object) => client.create(kind, object).catch(rethrowExplained),
  delete: (kind, ref, options) => client.delete(kind, ref, options).catch(rethrowExplained),
})

function rethrowExplained(error: unknown): never {
  if (!(error instanceof KubeError)) throw error
  const { code, reason, retry, details } = error
  const given = details === undefined ? {} : { details }
  throw new KubeError(explainRefusal(error), { code, reason, retry, ...given, cause: error })
}

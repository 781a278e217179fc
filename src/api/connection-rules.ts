import type { Rule } from './rules.ts'

interface Moved {
  readonly service: {
    readonly appProtocol?: string | undefined
    readonly match?: object | undefined
    readonly rewrite?: object | undefined
    readonly headers?: object | undefined
    readonly corsPolicy?: object | undefined
    readonly timeout?: string | undefined
    readonly retries?: object | undefined
  }
  readonly analysis: {
    readonly mirror: boolean
    readonly match?: object | undefined
    readonly sessionAffinity?: object | undefined
    readonly metrics?: readonly { readonly templateRef?: object | undefined }[] | undefined
  }
}

/** Whether the weights of a Canary hold for connections, in which nobody reads requests. */
export const movesConnections = ({ appProtocol }: Moved['service']): boolean => appProtocol?.toLowerCase() === 'tcp'

const MOVES_REQUESTS = "!has(self.service.appProtocol) || !self.service.appProtocol.matches('^[tT][cC][pP]$')"
const leaveOut = 'belongs to requests, and appProtocol tcp moves connections: leave it out'

const ofRequests = ['match', 'rewrite', 'headers', 'corsPolicy', 'timeout', 'retries'] as const
const ofAnalysis = ['match', 'sessionAffinity'] as const

export const connectionRules: readonly Rule<Moved>[] = [
  {
    cel: `${MOVES_REQUESTS} || !self.analysis.mirror`,
    message: 'appProtocol tcp moves connections, of which there are no copies: set mirror to false',
    field: 'analysis.mirror',
    holds: ({ service, analysis }) => !movesConnections(service) || !analysis.mirror,
  },
  {
    cel: `${MOVES_REQUESTS} || !has(self.analysis.metrics) || self.analysis.metrics.all(metric, has(metric.templateRef))`,
    message:
      'the built-in metrics count requests, and appProtocol tcp moves connections: name the MetricTemplate of each metric',
    field: 'analysis.metrics',
    holds: ({ service, analysis: { metrics = [] } }) =>
      !movesConnections(service) || metrics.every(({ templateRef }) => templateRef !== undefined),
  },
  ...ofRequests.map(
    (name): Rule<Moved> => ({
      cel: `${MOVES_REQUESTS} || !has(self.service.${name})`,
      message: leaveOut,
      field: `service.${name}`,
      holds: ({ service }) => !movesConnections(service) || service[name] === undefined,
    }),
  ),
  ...ofAnalysis.map(
    (name): Rule<Moved> => ({
      cel: `${MOVES_REQUESTS} || !has(self.analysis.${name})`,
      message: leaveOut,
      field: `analysis.${name}`,
      holds: ({ service, analysis }) => !movesConnections(service) || analysis[name] === undefined,
    }),
  ),
]

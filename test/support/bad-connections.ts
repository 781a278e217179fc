import type { BadObject } from './bad-object.ts'
import { rawCanary } from './raw-canary.ts'

const ofConnections = (field: string, message: string, analysis: object, service: object = {}): BadObject => ({
  rule: `${field} beside connections`,
  resource: 'canaries',
  object: {
    ...rawCanary({
      spec: { service: { port: 80, appProtocol: 'TCP', ...service } },
      analysis: { mirror: false, ...analysis },
    }),
  },
  field: `spec.${field}`,
  message,
})

const leaveOut = 'belongs to requests, and appProtocol tcp moves connections: leave it out'

const ofRequests = {
  match: [{ uri: { prefix: '/shop' } }],
  rewrite: { uri: '/' },
  headers: { request: { remove: ['x-a'] } },
  corsPolicy: { allowMethods: ['GET'] },
  timeout: '1s',
  retries: { attempts: 1 },
}

export const badConnections: readonly BadObject[] = [
  ofConnections(
    'analysis.mirror',
    'appProtocol tcp moves connections, of which there are no copies: set mirror to false',
    { mirror: true },
  ),
  ofConnections(
    'analysis.metrics',
    'the built-in metrics count requests, and appProtocol tcp moves connections: name the MetricTemplate of each metric',
    { metrics: [{ name: 'request-success-rate' }] },
  ),
  ...Object.entries(ofRequests).map(([name, value]) =>
    ofConnections(`service.${name}`, leaveOut, {}, { [name]: value }),
  ),
  ofConnections('analysis.match', leaveOut, {
    stepWeight: undefined,
    iterations: 2,
    match: [{ headers: { 'x-user': { exact: 'beta' } } }],
  }),
  ofConnections('analysis.sessionAffinity', leaveOut, { sessionAffinity: { cookieName: 'seen' } }),
]

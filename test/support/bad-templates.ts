import type { BadObject } from './bad-object.ts'

const object = (spec: object) => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name: 'bad', namespace: 'default' },
  spec,
})

const inTemplate = (rule: string, spec: object, field: string, message: string): BadObject => ({
  rule,
  resource: 'metrictemplates',
  object: object(spec),
  field,
  message,
})

const withVariables = (...variables: readonly object[]) => ({
  provider: { type: 'prometheus' },
  query: 'up',
  variables,
})
const job = (more: object = {}, provider: object = {}) => ({
  provider: { type: 'job', job: { spec: {}, ...more }, ...provider },
})

export const badTemplates: readonly BadObject[] = [
  inTemplate(
    'a metric template that asks an address without a scheme',
    { provider: { type: 'prometheus', address: 'ftp://a' }, query: 'up' },
    'spec.provider.address',
    'must be an address that begins with http:// or https://',
  ),
  inTemplate(
    'a required variable with a default',
    withVariables({ name: 'limit', default: '1', required: true }),
    'spec.variables[0].default',
    'a required variable is given by every metric: leave default or required out',
  ),
  inTemplate(
    'two variables of one name',
    withVariables({ name: 'limit' }, { name: 'limit' }),
    'spec.variables[1]',
    'Duplicate value: {"name":"limit"}',
  ),
  inTemplate(
    'a template that asks nothing',
    { provider: { type: 'prometheus' } },
    'spec.query',
    'query must be set, but for a job, whose spec says what is run',
  ),
  inTemplate('a job that runs nothing', { provider: { type: 'job' } }, 'spec.provider.job', 'job must be set for job'),
  inTemplate(
    'a job of Prometheus',
    { provider: { type: 'prometheus', job: { spec: {} } }, query: 'up' },
    'spec.provider.job',
    'job is only for job',
  ),
  inTemplate(
    'a job with an address',
    job({}, { address: 'http://a' }),
    'spec.provider.job',
    'a job has neither address nor secretRef: its pods name what they need',
  ),
  inTemplate(
    'a job of less than a second',
    job({ timeout: '10ms' }),
    'spec.provider.job.timeout',
    'must be at least 1s',
  ),
  ...(
    [
      [
        'a web metric without an address',
        { type: 'web', jsonPath: 'a' },
        'address',
        'address must be set for web, graphite, influxdb, elasticsearch',
      ],
      [
        'a web metric without a path',
        { type: 'web', address: 'http://a' },
        'jsonPath',
        'jsonPath must be set for web, elasticsearch',
      ],
      [
        'Datadog without credentials',
        { type: 'datadog' },
        'secretRef',
        'secretRef must be set for datadog, newrelic, stackdriver, influxdb, externalmetrics',
      ],
      ['CloudWatch without a region', { type: 'cloudwatch' }, 'region', 'region must be set for cloudwatch'],
      ['a region of Prometheus', { type: 'prometheus', region: 'eu' }, 'region', 'region is only for cloudwatch'],
      [
        'a path of Prometheus',
        { type: 'prometheus', jsonPath: 'a' },
        'jsonPath',
        'jsonPath is only for web, elasticsearch',
      ],
      [
        'headers of CloudWatch',
        { type: 'cloudwatch', region: 'eu', headers: {} },
        'headers',
        'headers is only for prometheus, web, elasticsearch',
      ],
      [
        'a range of CloudWatch',
        { type: 'cloudwatch', region: 'eu', range: { step: '1s' } },
        'range',
        'range is only for prometheus',
      ],
      [
        'credentials for a Prometheus that the Canary names',
        { type: 'prometheus', secretRef: { name: 's' } },
        'address',
        'address must be set beside secretRef: credentials go to no server that the template does not name',
      ],
      [
        'a range of less than a second',
        { type: 'prometheus', range: { step: '10ms' } },
        'range.step',
        'must be at least 1s',
      ],
    ] as const
  ).map(([rule, provider, field, message]) =>
    inTemplate(rule, { provider, query: 'up' }, `spec.provider.${field}`, message),
  ),
]

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseAlertProvider, parseCanary, parseImagePolicy, parseMetricTemplate } from '../../src/api/index.ts'

interface Fragment {
  readonly kind?: string
  readonly spec?: object
  readonly service?: object
  readonly analysis?: object
  readonly metrics?: readonly object[]
}

const fragmentsOf = (page: string) =>
  [...readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)]
    .flatMap(([, text = '']) => parseAllDocuments(text).map((document) => document.toJS() as Fragment))
    .filter(({ kind }) => kind !== 'Secret')
    .map((fragment) => [page, JSON.stringify(fragment).slice(0, 60), fragment] as const)

const fragments = ['canary.md', 'metrics.md', 'image-policies.md'].flatMap(fragmentsOf)

test('the pages have examples', () => {
  expect(fragments.length).toBeGreaterThan(20)
})

const parsers: Readonly<Partial<Record<string, (object: unknown) => object>>> = {
  AlertProvider: parseAlertProvider,
  ImagePolicy: parseImagePolicy,
  MetricTemplate: parseMetricTemplate,
}

/** Those that are no objects are parts of a Canary. */
test.each(fragments)('the example in docs/%s that begins with %s is taken', (_page, _, fragment) => {
  const parse = parsers[fragment.kind ?? '']
  if (parse !== undefined) return expect(parse(fragment)).toMatchObject({ ok: true })
  const { spec = {}, service, metrics } = fragment
  const analysis = metrics === undefined ? fragment.analysis : { metrics }
  const whole = {
    targetRef: { kind: 'Deployment', name: 'web' },
    service: { port: 80, ...service },
    analysis: withSteps(analysis ?? {}),
    ...spec,
  }
  const canary = {
    apiVersion: 'sluice.dev/v1',
    kind: 'Canary',
    metadata: { name: 'web', namespace: 'shop' },
    spec: whole,
  }
  expect(parseCanary(canary)).toMatchObject({ ok: true })
})

const withSteps = (analysis: object): object =>
  ['stepWeight', 'stepWeights', 'iterations'].some((name) => name in analysis)
    ? analysis
    : { stepWeight: 10, ...analysis }

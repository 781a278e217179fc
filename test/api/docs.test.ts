import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseAlertProvider, parseCanary } from '../../src/api/index.ts'

interface Fragment {
  readonly kind?: string
  readonly spec?: object
  readonly service?: object
  readonly analysis?: object
}

const page = readFileSync(new URL('../../docs/canary.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
const fragments = examples
  .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Fragment))
  .filter(({ kind }) => kind !== 'Secret')
  .map((fragment) => [JSON.stringify(fragment).slice(0, 60), fragment] as const)

test('docs/canary.md has examples', () => {
  expect(fragments.length).toBeGreaterThan(10)
})

/** Those that are no objects are parts of a Canary. */
test.each(fragments)('the example in docs/canary.md that begins with %s is taken', (_, fragment) => {
  if (fragment.kind === 'AlertProvider') return expect(parseAlertProvider(fragment)).toMatchObject({ ok: true })
  const { spec = {}, service, analysis } = fragment
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

import { expect, test } from 'vitest'
import { z } from 'zod'
import { strayFields } from '../../../src/mesh/istio/index.ts'

const schema = z.object({
  steps: z.array(z.object({ weight: z.int().optional() })).optional(),
  labels: z.record(z.string(), z.object({ exact: z.string() })).default({}),
  anything: z.looseObject({ known: z.string() }).optional(),
  refusing: z.strictObject({ known: z.string().optional() }).optional(),
})

test('a field that a schema passes over is named with its place and the name that was probably meant', () => {
  const spec = {
    steps: [{ weight: 1 }, { weigth: 2 }],
    labels: { app: { exact: 'web', prefix: 'w' } },
    anything: { more: 1 },
    // The schema names it by itself.
    refusing: { other: 1 },
    weight: 3,
  }
  expect(strayFields(schema, spec)).toEqual([
    {
      path: ['steps', 1, 'weigth'],
      code: 'UnknownField',
      message: 'there is no such field; did you mean weight?',
    },
    { path: ['labels', 'app', 'prefix'], code: 'UnknownField', message: 'there is no such field; there are exact' },
    {
      path: ['weight'],
      code: 'UnknownField',
      message: 'there is no such field here; it belongs to spec.steps[].weight',
    },
  ])
  expect(strayFields(schema, { steps: 'none' })).toEqual([])
})

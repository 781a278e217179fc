import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { reasons } from '../../src/canary/reasons.ts'

test('each reason is explained to people, and no other word is', async () => {
  const page = await readFile(new URL('../../docs/reasons.md', import.meta.url), 'utf8')
  const explained = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, word = '']) => word)
  expect([...new Set(explained)].toSorted()).toEqual([...reasons].toSorted())
})

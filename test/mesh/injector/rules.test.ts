import { describe, expect, test } from 'vitest'
import { renderInterceptionRules } from '../../../src/mesh/injector/index.ts'

const everything = {
  excludeInboundPorts: [],
  excludeOutboundPorts: [],
  excludeOutboundIPRanges: [],
  includeOutboundIPRanges: 'all',
} as const

describe('the rules of a pod', () => {
  test('lead all TCP through the proxy, but what it sends itself, its own ports, the loopback device and DNS', () => {
    expect(renderInterceptionRules(everything)).toBe(`*nat
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A OUTPUT -p tcp -j ISTIO_OUTPUT
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15021 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15090 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
-A ISTIO_OUTPUT ! -d 127.0.0.0/8 -o lo -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -o lo -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.0/8 -j RETURN
-A ISTIO_OUTPUT -p tcp --dport 53 -j RETURN
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
COMMIT
`)
  })

  const linesOf = (change: Partial<Parameters<typeof renderInterceptionRules>[0]>) =>
    renderInterceptionRules({ ...everything, ...change }).split('\n')
  const usual = new Set(linesOf({}))

  test.each([
    [
      { excludeInboundPorts: [9090] },
      ['-A ISTIO_INBOUND -p tcp --dport 9090 -j RETURN'],
      '-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT',
    ],
    [
      { excludeOutboundPorts: [5432], excludeOutboundIPRanges: ['10.1.0.0/16'] },
      ['-A ISTIO_OUTPUT -p tcp --dport 5432 -j RETURN', '-A ISTIO_OUTPUT -d 10.1.0.0/16 -j RETURN'],
      '-A ISTIO_OUTPUT -j ISTIO_REDIRECT',
    ],
    [
      { includeOutboundIPRanges: ['10.96.0.0/16'], excludeOutboundIPRanges: ['10.96.1.0/24'] },
      ['-A ISTIO_OUTPUT -d 10.96.1.0/24 -j RETURN', '-A ISTIO_OUTPUT -d 10.96.0.0/16 -j ISTIO_REDIRECT'],
      'COMMIT',
    ],
  ])('%j: exceptions stand before what they are exceptions of', (change, added, before) => {
    const lines = linesOf(change)
    expect(lines.filter((line) => !usual.has(line))).toEqual(added)
    expect(lines.indexOf(added[0] ?? '')).toBeLessThan(lines.indexOf(before))
  })

  test('nothing that comes in, and nothing that goes out', () => {
    const lines = linesOf({ excludeInboundPorts: 'all', includeOutboundIPRanges: [] })
    expect(lines.filter((line) => /-j ISTIO_(IN_)?REDIRECT$/.test(line))).toEqual([])
  })
})

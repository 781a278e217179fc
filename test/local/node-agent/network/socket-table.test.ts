import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { listeningSocketsOfGroup } from '../../../../src/local/node-agent/network/listening-sockets.ts'
import { parseSocketTable, straySockets } from '../../../../src/local/node-agent/network/socket-table.ts'
import { silentLogger, spawnChild } from '../../../../src/runtime/index.ts'
import { eventually } from '../../../support/eventually.ts'

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const row = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000 100 0 0 10 0\n`

test('listening sockets are read, connections are not', () => {
  const text = header + row('0141467F:1F90', '0A', 11) + row('00000000:0050', '0A', 12) + row('0100007F:C001', '01', 13)
  expect(parseSocketTable(text)).toEqual([
    { address: '127.70.65.1', port: 8080, inode: '11' },
    { address: '0.0.0.0', port: 80, inode: '12' },
  ])
})

test('the IPv6 table too: all addresses, and IPv4 in its clothes', () => {
  const text =
    header +
    row('00000000000000000000000000000000:1F90', '0A', 1) +
    row('0000000000000000FFFF00000100007F:1F90', '0A', 2)
  expect(parseSocketTable(text).map(({ address }) => address)).toEqual(['::', '127.0.0.1'])
})

test('only the ports of the container stray, and only at other addresses', () => {
  const at = (address: string, port: number) => ({ address, port, inode: '' })
  const sockets = [at('127.70.65.1', 8080), at('0.0.0.0', 8080), at('127.0.0.1', 9229)]
  expect(straySockets(sockets, '127.70.65.1', [8080])).toEqual([at('0.0.0.0', 8080)])
})

test('the sockets of a process group are found among those of the machine', async () => {
  const stranger = createServer().listen(0, '127.0.0.1')
  const script = `require('net').createServer().listen(0, '127.0.0.1'); require('net').createServer().listen(0)`
  const child = spawnChild({
    command: process.execPath,
    args: ['-e', script],
    env: {},
    stdout: 'ignore',
    stderr: 'ignore',
    log: silentLogger,
  })
  const sockets = await eventually(async () => {
    const found = await listeningSocketsOfGroup(child.pid)
    expect(found).toHaveLength(2)
    return found
  })
  expect(sockets.map(({ address }) => address)).toEqual(['127.0.0.1', '::'])
  const { port } = stranger.address() as AddressInfo
  expect(sockets.map((socket) => socket.port)).not.toContain(port)
  await child.stop({ graceMs: 0 })
  stranger.close()
})

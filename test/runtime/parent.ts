/** A parent for the tests of orphans: starts one group of two processes, prints its number, then does as told. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { silentLogger, spawnChild, untilAborted, untilSignal } from '../../src/runtime/index.ts'
import { guardGroup } from '../../src/runtime/watchdog.ts'

const script = 'trap "" TERM; sleep 600 & sleep 600'

if (process.argv[2] === 'mistakes the start time') {
  const stranger = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' })
  guardGroup({ id: stranger.pid ?? 0, startTime: '1' })
  process.stdout.write(`${stranger.pid}\n`)
  await once(stranger, 'exit')
}

const child = spawnChild({
  command: 'sh',
  args: ['-c', script],
  env: { PATH: process.env.PATH },
  stdout: 'ignore',
  stderr: 'ignore',
  log: silentLogger,
})
process.stdout.write(`${child.pid}\n`)

if (process.argv[2] === 'stops its children') {
  const stop = untilSignal()
  process.stdout.write('ready\n')
  await untilAborted(stop.signal)
  await child.stop({ graceMs: 200 })
  process.exit(0)
}
if (process.argv[2] === 'returns') {
  process.stdin.once('data', () => process.exit(0))
}

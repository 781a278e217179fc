import { type ChildProcess, spawn } from 'node:child_process'
import type { ProcessGroup } from './process-group.ts'

/*
 * Lives on a pipe from this process: end of file means that this process is gone, however it died, and then every group
 * still on the list is killed. A shell, since it costs 1 MB where a second Node costs 40. A leader that is gone is no
 * reason to spare its group: the kernel killed it a moment ago, and its number is not given away while the group lives.
 */
const SCRIPT = `
set -f
trap '' HUP INT QUIT TERM
cd /
groups=
while read -r verb group start; do
  kept=
  for entry in $groups; do
    [ "\${entry%%:*}" = "$group" ] || kept="$kept $entry"
  done
  groups=$kept
  [ "$verb" = guard ] && groups="$groups $group:$start"
done
for entry in $groups; do
  group=\${entry%%:*}
  if [ -r "/proc/$group/stat" ]; then
    stat=$(cat "/proc/$group/stat")
    set -- \${stat##*) }
    [ "\${20}" = "\${entry#*:}" ] || continue
  fi
  kill -s KILL -- "-$group" 2>/dev/null
done
`

// One per process, since it stands for the life of the process and for nothing smaller.
const guarded = new Map<number, ProcessGroup>()
let watchdog: ChildProcess | undefined

/** From now on the group dies with this process. */
export function guardGroup(group: ProcessGroup): void {
  guarded.set(group.id, group)
  if (watchdog === undefined) startWatchdog()
  else tell(guardLine(group))
}

/** Forgets a group that has ended. */
export function releaseGroup(group: ProcessGroup): void {
  guarded.delete(group.id)
  tell(`release ${group.id}\n`)
}

const guardLine = (group: ProcessGroup): string => `guard ${group.id} ${group.startTime}\n`

const tell = (line: string): void => void watchdog?.stdin?.write(line)

function startWatchdog(): void {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sluice-watchdog'], {
    // Its own session, so that Ctrl-C in the terminal does not reach it.
    detached: true,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watchdog = child
  child.unref()
  child.stdin.on('error', () => {})
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
  child.once('error', () => forget(child))
  child.once('exit', () => {
    forget(child)
    if (guarded.size > 0) startWatchdog()
  })
  tell([...guarded.values()].map(guardLine).join(''))
}

function forget(child: ChildProcess): void {
  if (watchdog === child) watchdog = undefined
}

import { readdir, readFile, readlink } from 'node:fs/promises'
import { type ListeningSocket, parseSocketTable } from './socket-table.ts'

/** What the processes of a group listen on. Empty where there is no /proc. */
export async function listeningSocketsOfGroup(group: number): Promise<readonly ListeningSocket[]> {
  const pids = await processesOfGroup(group)
  const inodes = new Set((await Promise.all(pids.map(socketInodes))).flat())
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readText))
  return tables.flatMap(parseSocketTable).filter(({ inode }) => inodes.has(inode))
}

async function processesOfGroup(group: number): Promise<readonly number[]> {
  const pids = (await list('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const groups = await Promise.all(pids.map(groupOf))
  return pids.filter((_, index) => groups[index] === group)
}

async function groupOf(pid: number): Promise<number> {
  const stat = await readText(`/proc/${pid}/stat`)
  // The name in parentheses may hold anything; state, parent and group follow it.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
}

async function socketInodes(pid: number): Promise<readonly string[]> {
  const descriptors = await list(`/proc/${pid}/fd`)
  const links = await Promise.all(descriptors.map((each) => readlink(`/proc/${pid}/fd/${each}`).catch(() => '')))
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [])
}

const list = (path: string): Promise<readonly string[]> => readdir(path).catch(() => [])

const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

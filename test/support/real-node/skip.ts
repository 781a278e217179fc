import { existsSync } from 'node:fs'
import { findExecutable } from '../../../src/runtime/index.ts'

const packages: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  runc: 'runc',
  '/usr/lib/cni/ptp': 'containernetworking-plugins',
  'xtables-nft-multi': 'iptables',
  ip: 'iproute2',
  unshare: 'util-linux',
}

const HOW =
  'npm run test:node as root on Linux, with Go 1.26 (builds kubelet, kube-proxy, kube-scheduler, CoreDNS and the programs of test:kube once, some minutes)'

/** Why tests on a real node are skipped here; undefined where they run. Says so aloud. */
export function nodeSkipReason(what: string): string | undefined {
  const lacks = [...(process.env.SLUICE_TEST_NODE === '1' ? [] : ['SLUICE_TEST_NODE=1']), ...missing()]
  if (lacks.length === 0) return undefined
  const reason = `SKIPPED ${what}: ${lacks.join(', ')} missing. To run: ${HOW}`
  console.warn(reason)
  return reason
}

function missing(): readonly string[] {
  if (process.platform !== 'linux') return ['Linux']
  const lacking = Object.entries(packages).filter(([program]) => !isThere(program))
  return [
    ...(process.getuid?.() === 0 ? [] : ['root']),
    ...(lacking.length === 0 ? [] : [`apt-get install ${lacking.map(([, name]) => name).join(' ')}`]),
  ]
}

const isThere = (program: string): boolean =>
  program.startsWith('/')
    ? existsSync(program)
    : findExecutable(program, { path: `${process.env.PATH}:/usr/sbin:/sbin` }) !== undefined

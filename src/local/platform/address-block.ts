import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../runtime/index.ts'
import { type ApiServer, type ApiServerOptions, createApiServer } from '../api-server/index.ts'
import { createPodNetwork, missingForNamespaces, type PodNetwork } from '../node-agent/index.ts'
import { type BlockOwners, createBlockOwners } from './block-owners.ts'

const FIRST = 64
const LAST = 250
const API_PORT = 6443

export interface ClaimedBlock {
  /** Such as `127.64`: every address that this platform binds begins with it. */
  readonly prefix: string
  readonly api: ApiServer
  /** Where pods have networks of their own. */
  readonly network: PodNetwork | undefined
  /** Serves until the signal fires; it is listening already. */
  readonly serve: (signal: AbortSignal) => Promise<void>
}

/**
 * Takes the first block 127.N.0.0/16 whose API server address is free: who listens there owns the whole block.
 * The block of an earlier run is tried first, since pods and Services carry its addresses, and those of platforms that
 * are down are tried last.
 */
export async function claimBlock(
  options: Omit<ApiServerOptions, 'host' | 'port'>,
  isolation: 'process' | 'netns' = 'process',
): Promise<ClaimedBlock> {
  const remembered = join(options.dataDirectory, 'block')
  const last = Number(await readFile(remembered, 'utf8').catch(() => ''))
  const numbers = Array.from({ length: LAST - FIRST + 1 }, (_, index) => FIRST + index)
  const owners = createBlockOwners(options.dataDirectory)
  for (const number of await inOrder(numbers, last, owners)) {
    const claimed = isolation === 'netns' ? await tryNetwork(options, number) : await tryBlock(options, `127.${number}`)
    if (claimed === undefined) continue
    if (numbers.includes(last) && number !== last) {
      options.log.warn(
        { block: claimed.prefix, before: last },
        'the former block is in use: Services keep addresses there',
      )
    }
    await writeFile(remembered, `${number}\n`, { mode: 0o600 })
    await owners.own(number).catch((error: unknown) => {
      options.log.debug({ error: messageOf(error) }, 'nobody is told whose the block is')
    })
    return claimed
  }
  throw new Error(
    `no address block is free: port ${API_PORT} of 127.${FIRST}.0.1 to 127.${LAST}.0.1 is in use by others`,
  )
}

async function inOrder(numbers: readonly number[], last: number, owners: BlockOwners): Promise<readonly number[]> {
  const areOthers = await Promise.all(numbers.map((number) => owners.isOthers(number)))
  const rank = (number: number): number => (number === last ? 0 : 1 + Number(areOthers[number - FIRST]))
  return numbers.toSorted((left, right) => rank(left) - rank(right))
}

async function tryBlock(
  options: Omit<ApiServerOptions, 'host' | 'port'>,
  prefix: string,
): Promise<ClaimedBlock | undefined> {
  const api = createApiServer({ ...options, host: `${prefix}.0.1`, port: API_PORT })
  const stop = new AbortController()
  const running = api.start(stop.signal)
  try {
    await Promise.race([api.ready, running])
  } catch (error) {
    stop.abort()
    await running.catch(() => {})
    if (isInUse(error)) return undefined
    throw error
  }
  const serve = (signal: AbortSignal): Promise<void> => {
    if (signal.aborted) stop.abort()
    signal.addEventListener('abort', () => stop.abort(), { once: true })
    return running
  }
  return { prefix, api, network: undefined, serve }
}

/** The block is that of a bridge, which goes with it. */
async function tryNetwork(
  options: Omit<ApiServerOptions, 'host' | 'port'>,
  number: number,
): Promise<ClaimedBlock | undefined> {
  const missing = missingForNamespaces()
  if (missing.length > 0) {
    const next = 'run as root, with the Debian packages iproute2, iptables and util-linux'
    throw new Error(`pods cannot have networks of their own here: ${missing.join(', ')} missing; ${next}`)
  }
  const network = await createPodNetwork(`10.${number}`)
  const claimed = await tryBlock(options, `10.${number}`)
  if (claimed === undefined) {
    if (!network.wasThere) await network.remove()
    return undefined
  }
  // Whoever made it has ended without taking it away.
  if (network.wasThere) await network.sweep()
  return {
    ...claimed,
    network,
    async serve(signal) {
      await claimed.serve(signal)
      await network.remove()
    },
  }
}

function isInUse(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'EADDRINUSE') || isInUse(error.cause)
}

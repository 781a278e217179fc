import { z } from 'zod'
import { type AnswerCounts, addCounts, type Load } from './load.ts'
import { readJson } from './world.ts'

const clientSchema = z.object({
  counts: z.record(z.string(), z.object({ requests: z.number(), errors: z.number() })),
  failures: z.array(z.string()),
})

/** What users have had so far, inside the mesh and through the gateway; the mesh client is asked, past its sidecar. */
export function createTotals(clientAddress: string, gatewayLoad: Load): () => Promise<AnswerCounts> {
  return async () => addCounts([(await readClient(clientAddress)).counts, gatewayLoad.counts()])
}

/** The latest failures of both clients, for the reader of a broken promise. */
export async function readFailures(clientAddress: string, gatewayLoad: Load): Promise<readonly string[]> {
  const client = await readClient(clientAddress)
  return [
    ...client.failures.map((line) => `mesh client: ${line}`),
    ...gatewayLoad.failures().map((line) => `gateway: ${line}`),
  ]
}

async function readClient(address: string): Promise<z.output<typeof clientSchema>> {
  return clientSchema.parse(await readJson(`http://${address}:8080/`))
}

import { provisionEnvoy } from '../../src/local/tools/index.ts'

/** Path of a real Envoy, found or fetched. */
export async function envoyPath(): Promise<string> {
  const { path } = await provisionEnvoy({
    environment: process.env,
    report: () => {},
    signal: AbortSignal.timeout(110_000),
  })
  return path
}

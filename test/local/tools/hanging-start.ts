/** A start that fetches for ever: prints a line once it does. */
import { provision } from '../../../src/local/tools/provision.ts'
import { envoyFrom } from './made-tools.ts'

await provision(
  envoyFrom({
    name: 'hanging',
    fetch: () => {
      process.stdout.write('fetching\n')
      return new Promise((resolve) => setTimeout(resolve, 600_000))
    },
  }),
  { environment: process.env, report: () => {}, signal: new AbortController().signal },
)

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Scenario tests start real Envoys and Prometheus; two cores carry two files at once. Three take a sixth less time,
    // and are a harder test: `npm test -- --maxWorkers=3`.
    maxWorkers: 2,
    // No file changes what another one imports: loading each module once a worker saves a fifth of the processor time.
    isolate: false,
    reporters: ['default', './test/support/closing-line.ts'],
  },
})

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Scenario tests start real Envoys and Prometheus, and wait more than they work: two cores carry three files at once.
    maxWorkers: 3,
    // No file changes what another one imports: loading each module once a worker saves a fifth of the processor time.
    isolate: false,
    reporters: ['default', './test/support/closing-line.ts'],
  },
})

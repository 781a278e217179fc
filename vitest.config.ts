import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They end what hangs: nothing may fail because the machine is busy with something else.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // Scenario tests start real Envoys and Prometheus, and wait more than they work: two cores carry three files at once.
    maxWorkers: 3,
    // No file changes what another one imports: loading each module once a worker saves a fifth of the processor time.
    isolate: false,
    reporters: ['default', './test/support/closing-line.ts'],
  },
})

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Scenario tests start real Envoys and Prometheus; two cores carry two files at once.
    maxWorkers: 2,
    reporters: ['default', './test/support/closing-line.ts'],
  },
})

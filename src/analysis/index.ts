/**
 * analysis: turns a window of time and a list of checks into verdicts with their numbers.
 * It must not know Kubernetes clients or routers; what it needs of them comes in as values.
 */
export * from './port.ts'

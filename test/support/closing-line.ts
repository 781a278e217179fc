import type { Reporter, TestModule } from 'vitest/node'

const statesOf = (module: TestModule): string[] => {
  const tests = [...module.children.allTests()].map((test) => test.result().state)
  // A hook or an import that fails leaves its tests skipped: that is a failure too.
  return module.state() === 'failed' && !tests.includes('failed') ? [...tests, 'failed'] : tests
}

/** Ends a run with one plain line, `N passed, N failed[, N skipped]`, that any CI can read. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const states = modules.flatMap(statesOf)
    const count = (state: string) => states.filter((each) => each === state).length
    const failed = count('failed') + unhandledErrors.length
    const skipped = states.length - count('passed') - count('failed')
    process.stdout.write(`\n${count('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  }
}

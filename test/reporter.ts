import type { Reporter, TestModule } from 'vitest/node';

/**
 * Prints `N passed, N failed` as the last line, alone and plain, for scripts. A file that could not be run, and an
 * error outside of any test, count as one failure each: a run with either is not a success.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<unknown>): void {
    let [passed, failed] = [0, errors.length];
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        // What never got a result was cut off when its process died.
        else if (state !== 'skipped') failed++;
      }
    }
    console.log(`\n${passed} passed, ${failed} failed`);
  }
}

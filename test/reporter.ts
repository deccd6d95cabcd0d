import type { Reporter, TestModule } from 'vitest/node';

/** How many files are named as the longest. */
const LONGEST = 10;

/** Seconds that a file took: its own imports, its hooks and its tests. */
const secondsOf = (module: TestModule): number => {
  const { collectDuration, setupDuration, duration } = module.diagnostic();
  return (collectDuration + setupDuration + duration) / 1000;
};

/**
 * Prints which files took longest, and `N passed, N failed` as the last line, alone and plain, for scripts. A file that
 * could not be run, and an error outside of any test, count as one failure each: a run with either is not a success.
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
    const longest = [...modules].sort((a, b) => secondsOf(b) - secondsOf(a)).slice(0, LONGEST);
    const lines = longest.map((module) => `${secondsOf(module).toFixed(1).padStart(8)} s  ${module.relativeModuleId}`);
    console.log(`\nThe files that took longest:\n${lines.join('\n')}`);
    console.log(`\n${passed} passed, ${failed} failed`);
  }
}

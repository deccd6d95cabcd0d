import { defineConfig } from 'vitest/config';
import { softwareDriver } from './engine/device/gpu.node.ts';
import { wgslVite } from './kernels/wgsl_plugin.mjs';
import { LongestFirst } from './test/longest_first.ts';

export default defineConfig({
  plugins: [wgslVite],
  test: {
    include: ['test/**/*.test.ts'],
    // Builds dist/ where it is older than the sources: the tests of the command line run it as a user does.
    globalSetup: ['test/global_setup.ts'],
    setupFiles: ['test/same_bytes.ts'],
    sequence: { sequencer: LongestFirst },
    env: {
      // What the user tuned is the user's: tests have the defaults, or a table of their own.
      TUNINGFORK_TUNING: 'none',
      // SwiftShader cannot be installed everywhere (Ubuntu's Chromium is a snap); the set-up says so where it is
      // missing.
      TUNINGFORK_TEST_ADAPTERS:
        process.env['TUNINGFORK_TEST_ADAPTERS'] ??
        (softwareDriver('swiftshader') ? 'lavapipe,swiftshader' : 'lavapipe'),
    },
    reporters: ['default', './test/reporter.ts'],
    // Every file that opens a GPU device compiles its own pipelines: one process at a time keeps two cores busy with
    // the software adapter's own threads, and no test competes with another for memory.
    pool: 'forks',
    maxWorkers: 2,
    // Limits end what hangs and say nothing of speed: a busy machine takes twenty times as long as an idle one.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // A process that native code keeps from ending is given up.
    teardownTimeout: 10_000,
  },
});

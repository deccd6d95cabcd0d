import { defineConfig } from 'vitest/config';
import { softwareDriver } from './engine/device/gpu.node.ts';
import { wgslVite } from './kernels/wgsl_plugin.mjs';
import { ALONE, LongestFirst } from './test/longest_first.ts';

export default defineConfig({
  plugins: [wgslVite],
  test: {
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
    // Three processes keep two cores busy, as browsers, devices and programs that are started make tests wait.
    pool: 'forks',
    maxWorkers: 3,
    // A process takes one file after another: a quarter of a small file's time is its start. Files that change what all
    // in a process share have processes of their own.
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE } },
      { extends: true, test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false } },
    ],
    // Limits end what hangs and say nothing of speed: a busy machine takes twenty times as long as an idle one.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // A process that native code keeps from ending is given up.
    teardownTimeout: 10_000,
  },
});

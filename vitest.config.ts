import { defineConfig } from 'vitest/config';
import { wgslVite } from './kernels/wgsl_plugin.mjs';

export default defineConfig({
  plugins: [wgslVite],
  test: {
    include: ['test/**/*.test.ts'],
    // Every file that opens a GPU device compiles its own pipelines: one process at a time keeps two cores busy with
    // the software adapter's own threads, and no test competes with another for memory.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

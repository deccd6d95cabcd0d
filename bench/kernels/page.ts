import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelBenchResult } from './measure.ts';

export async function writeKernelPage(folder: string, result: KernelBenchResult): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kernels.json'), `${JSON.stringify(result, null, 2)}\n`);
}

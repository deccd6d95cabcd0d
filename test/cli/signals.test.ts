import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../../vision/train/checkpoint.node.ts';
import { RUN_FILES } from '../../vision/train/train.node.ts';
import { scratchFolder } from '../vision/training.ts';
import { PROGRAM, tuningfork } from './cli.ts';

const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));
const scratch = scratchFolder();

describe('a training that a scheduler ends', () => {
  const small = ['--data', 'synthetic:32', '--size', '32', '--batch', '4', '--tta', '1', '--epochs', '1'];
  const args = ['train', '--adapter', 'lavapipe', ...small, '--checkpoint-steps', '2'];

  it('saves the step that it was at, ends with 143, and goes on to the same bytes', async () => {
    const out = scratch.next();
    // The signal comes while the second step is saved, so what is saved last is the third.
    const moment = { file: '/\\.checkpoint.*tmp$', operation: 'renamed', nth: 1, signal: 'SIGTERM' };
    const child = spawn(process.execPath, ['--import', PLUG, PROGRAM, ...args, '--out', out], {
      env: { ...process.env, PLUG: JSON.stringify(moment) },
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    expect(await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))).toBe(143);
    expect(stderr).not.toMatch(/^tuningfork:/m);
    expect(stderr).toMatch(/^stopped, and saved: the same command goes on$/m);
    expect((await loadCheckpoint(join(out, RUN_FILES.checkpoint)))!.state).toMatchObject({ epoch: 0, step: 3 });

    const resumed = await tuningfork([...args, '--out', out]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toMatch(/resuming at phase 1, epoch 1, step 3/);
    const whole = scratch.next();
    expect((await tuningfork([...args, '--out', whole])).code).toBe(0);
    const model = (folder: string) => readFileSync(join(folder, RUN_FILES.model));
    expect(model(out).equals(model(whole))).toBe(true);
  }, 600_000);
});

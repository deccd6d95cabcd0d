import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toPng } from '../../vision/report/encode.node.ts';
import { PROGRAM, tuningfork } from './cli.ts';

const SLOW = 300_000;
const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-changed-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const square = (grey: number) => toPng({ width: 40, height: 40, data: new Uint8Array(40 * 40 * 3).fill(grey) });

describe('a training that was interrupted', () => {
  it(
    'is refused when images, labels or the adapter have changed since, and goes on by --accept-changes',
    async () => {
      const table = join(folder, 'labels.csv');
      const names = Array.from({ length: 24 }, (_, i) => `${i}.png`);
      const label = (swapped: boolean) => (_: string, i: number) => (i < 12 !== swapped ? 'cat' : 'dog');
      const write = (rows: readonly string[], swapped = false) =>
        writeFileSync(
          table,
          `image,label\n${rows.map((name) => `${name},${label(swapped)(name, names.indexOf(name))}\n`).join('')}`,
        );
      write(names);
      names.forEach((name, i) => writeFileSync(join(folder, name), square(10 * i)));
      const out = join(folder, 'run');
      mkdirSync(out);
      const command = (adapter: string) =>
        `train --model vgg_small --width 0.25 --size 32 --batch 4 --epochs 1 --tta 1 --checkpoint-steps 1 --label-column label --adapter ${adapter}`
          .split(' ')
          .concat('--table', table, '--out', out);
      const moment = { file: '/\\.checkpoint\\.', operation: 'renamed', nth: 2 };
      const env = { ...process.env, PLUG: JSON.stringify(moment) };
      const killed = spawn(process.execPath, ['--import', PLUG, PROGRAM, ...command('lavapipe')], {
        stdio: 'ignore',
        env,
      });
      expect(await new Promise((resolve) => killed.on('close', (_, signal) => resolve(signal)))).toBe('SIGKILL');

      const refused = async (sentence: string, adapter = 'lavapipe') => {
        const { code, stderr } = await tuningfork(command(adapter));
        expect(stderr).toContain(`${out} depends on what has changed since it was begun: ${sentence}`);
        expect(code).toBe(2);
      };
      write(names, true);
      await refused('24 images have other labels (');
      write(names);
      await refused('the adapter was ', 'swiftshader');
      const gone = JSON.parse(readFileSync(join(out, 'origin.json'), 'utf8')).images[0][0] as string;
      write(names.filter((name) => name !== gone));
      await refused(`1 image is gone (${gone}); `);
      write(names);
      writeFileSync(join(folder, gone), square(99));
      await refused(`1 image was changed (${gone}); `);
      // As it was but for its date: goes on, and is killed once more.
      writeFileSync(join(folder, gone), square(10 * names.indexOf(gone)));
      const again = spawn(process.execPath, ['--import', PLUG, PROGRAM, ...command('lavapipe')], {
        stdio: 'ignore',
        env,
      });
      expect(await new Promise((resolve) => again.on('close', (_, signal) => resolve(signal)))).toBe('SIGKILL');

      write(names, true);
      const { code, stderr } = await tuningfork([...command('lavapipe'), '--accept-changes']);
      expect(code, stderr).toBe(0);
      expect(stderr).toContain('going on all the same, with what has changed since the run was begun: 24 images');
      expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('begun with: 24 images have other labels');
      const metrics = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'));
      expect(metrics.acceptedChanges).toEqual([expect.stringMatching(/^24 images have other labels/)]);
      // Under another name a class would be another output, whoever accepts it.
      const named = readFileSync(table, 'utf8');
      writeFileSync(table, named.replaceAll(',cat', ',puma'));
      const renamed = await tuningfork([...command('lavapipe'), '--accept-changes']);
      expect(renamed.stderr).toContain(`${out} was begun for cat, dog, and the data now have dog, puma: its outputs`);
      expect(renamed.code).toBe(2);
      writeFileSync(table, named);
      // It is remembered, and is the run's own from now on.
      expect((await tuningfork(command('lavapipe'))).code).toBe(0);
      expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('begun with: 24 images have other labels');
    },
    SLOW,
  );
});

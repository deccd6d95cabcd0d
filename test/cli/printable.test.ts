import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { printable, printableLine } from '../../cli/printable.ts';
import { tuningfork } from './cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-print-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('printable', () => {
  it('writes what steers a terminal as JSON does, and leaves all else', () => {
    expect(printable('a\u001b[31mb\u0007\r\u007f\u009b2J\u202e')).toBe(
      'a\\u001b[31mb\\u0007\\u000d\\u007f\\u009b2J\\u202e',
    );
    expect(printable('Größe 5 µm ± 1 – 星\n\ta')).toBe('Größe 5 µm ± 1 – 星\n\ta');
    expect(printableLine('one\ntwo\tthree')).toBe('one\\u000atwo\\u0009three');
    const long = `${'a'.repeat(4000)}\u0007${'b'.repeat(1e6)}; do this`;
    expect(printableLine(long)).toBe(`${'a'.repeat(3000)} ... ${'b'.repeat(791)}; do this`);
    expect(JSON.parse(printable(JSON.stringify({ id: 'a\u009bb\u007f' })))).toEqual({ id: 'a\u009bb\u007f' });
  });

  it('holds for errors, notes and results of commands', async () => {
    const evil = join(folder, 'x\u001b]0;owned\u0007\ntuningfork: all is well');
    const missing = await tuningfork(['data', 'stats', '--data', evil, '--out', folder]);
    expect([missing.code, missing.stdout]).toEqual([2, '']);
    expect(missing.stderr).toMatch(
      /^tuningfork: [^\n]*x\\u001b\]0;owned\\u0007\\u000atuningfork: all is well[^\n]*\n$/,
    );
    expect(missing.stderr).not.toContain('\u001b');

    mkdirSync(evil);
    writeFileSync(join(evil, 'a.csv'), 'GalaxyID\u001b[2J\n1\n');
    const empty = await tuningfork(['data', 'stats', '--data', evil, '--out', folder]);
    expect(empty.stderr).not.toContain('\u001b');
    const unknown = await tuningfork(['doctor', '--x\u001b[2J']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('--x\\u001b[2J');
  });
});

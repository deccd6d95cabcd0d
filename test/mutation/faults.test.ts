import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readFaults } from './faults.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const KEYS = ['room', 'area', 'file', 'text', 'replacement', 'tests', 'grep', 'gpu'];
const faults = readFaults();

describe('the faults', () => {
  it('are many, in every area', () => {
    expect(faults.length).toBeGreaterThanOrEqual(150);
    expect([...new Set(faults.map(({ area }) => area))].sort()).toEqual([
      'compiler',
      'data',
      'explanations',
      'figures',
      'formats',
      'kernels',
      'models',
      'ops',
      'training',
    ]);
  });

  it('stand once each', () => {
    const keys = faults.map(({ file, text, replacement }) => JSON.stringify([file, text, replacement]));
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });

  it.each(faults.map((fault) => [`${fault.file}: ${fault.text}`, fault] as const))('can be put in: %s', (_, fault) => {
    expect(Object.keys(fault).filter((key) => !KEYS.includes(key))).toEqual([]);
    expect(readFileSync(ROOT + fault.file, 'utf8').split(fault.text).length - 1, 'times the text occurs').toBe(1);
    expect(fault.replacement).not.toBe(fault.text);
    expect(fault.tests.length).toBeGreaterThan(0);
    expect(fault.tests.filter((test) => !test.endsWith('.test.ts') || !existsSync(ROOT + test))).toEqual([]);
  });
});

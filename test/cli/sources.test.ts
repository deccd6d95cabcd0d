import { describe, expect, it } from 'vitest';
import { impliedArithmetic } from '../../models/efficientnet_preprocessing.ts';
import { OTHER_FORMATS, SOURCES } from '../../cli/sources.ts';

const all = [...SOURCES.flatMap(({ files }) => files), ...OTHER_FORMATS];

describe('the table of public files', () => {
  it.each(all)('$file is well formed', ({ file, url, sha256, md5, size }) => {
    expect(new URL(url).protocol).toBe('https:');
    expect(file).toMatch(/^[\w.-]+$/);
    if (sha256 !== undefined) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    if (md5 !== undefined) expect(md5).toMatch(/^[0-9a-f]{32}$/);
    if (size !== undefined) expect(size).toBeGreaterThan(0);
  });

  it.each(SOURCES.flatMap(({ files }) => files))('says how many bytes $file may have', ({ size, most }) => {
    expect(size ?? most).toBeGreaterThan(0);
  });

  it('names no file or set twice', () => {
    expect(new Set(all.map(({ file }) => file)).size).toBe(all.length);
    expect(new Set(SOURCES.map(({ name }) => name)).size).toBe(SOURCES.length);
  });

  it("saves timm's files under names from which their arithmetic follows", () => {
    const file = (set: string): string => SOURCES.find(({ name }) => name === set)!.files[0].file;
    expect(impliedArithmetic('timm', 'b0', file('efficientnet-b0'), new Map())).toMatchObject({
      padding: 'same',
      bnEpsilon: 1e-3,
    });
    expect(impliedArithmetic('timm', 'b0', file('efficientnet-b0-ra'), new Map())).toMatchObject({
      padding: 'symmetric',
      bnEpsilon: 1e-5,
    });
  });
});

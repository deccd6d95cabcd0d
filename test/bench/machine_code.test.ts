import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { machineCode } from '../../bench/machine_code/command.ts';
import { compareRows } from '../../bench/machine_code/compare.ts';
import { compileFor } from '../../bench/machine_code/compile.ts';
import { mirrorOf } from '../../bench/machine_code/debian.ts';
import { GPUS, KEPT } from '../../bench/machine_code/gpus.ts';
import { readKept, showKept } from '../../bench/machine_code/kept.ts';
import { amdBlocks, nvidiaBlocks, readReport, type DriverReport } from '../../bench/machine_code/listing.ts';
import { multiplyAddShare } from '../../bench/machine_code/loops.ts';
import { rowName, showRows, tableRows, type CompiledPipeline, type Row } from '../../bench/machine_code/table.ts';

/**
 * As RADV lists a loop whose way in lies in its middle (BB2): the way in has 6 other vector instructions, the loop 4
 * multiply-adds and 2 others, what comes after it one. What is a comment, or scalar, counts for nothing.
 */
const AMD = `BB0:
	s_mov_b32 s0, s3                                            ; be800303
	v_mul_lo_u32 v3, v2, s6                                     ; d5690003 00000d02
	v_add_nc_u32_e32 v4, 1, v2                                  ; 4a080481
	v_sub_nc_u32_e32 v3, v0, v3                                 ; 4c060700
	v_cmp_le_u32_e32 vcc, s6, v3                                ; 7d860606
	v_mad_u32_u24 v5, v2, v4, v3                                ; d5430005
	s_branch BB2                                                ; bf820006
	s_nop 0                                                     ; bf800000
	(then repeated 4 times)
BB1:
	v_mov_b32_e32 v9, v8                                        ; v_fma_f32
BB2:
	buffer_load_dwordx4 v[4:7], v1, s[8:11], 0 offen            ; e0381000 80020104
	s_waitcnt vmcnt(0)                                          ; bf8c3f70
	v_fmac_f32_e32 v10, v4, v12                                 ; 5614190c
	v_fma_f32 v11, v5, v13, v11                                 ; d54b000b
	v_mul_f32_e32 v14, v6, v12                                  ; 101c1906
	s_cbranch_scc0 BB4                                          ; bf840015
BB3:
	v_fmac_f32_e32 v10, v6, v12                                 ; 5614190c
	v_pk_fma_f16 v11, v7, v13, v11                              ; cc0e400b
	s_branch BB1                                                ; bf82fff0
BB4:
	v_mov_b32_e32 v1, v10                                       ; 7e02030a
	s_endpgm                                                    ; bf810000
`;

/** As NVK lists a loop in a loop: the inner one has 3 multiply-adds of 4, what the outer one adds is 1 of 5. */
const NVIDIA = `block.u 0 L2 [] -> {
      r0    = s2r sr[0x21]                            // delay=1 wr:0
      r1    = imad r0 r0 rZ                           // delay=5 ffma
} -> [1]
block 1 L5 [0, 3] -> {
      r2    = iadd3 r1 0x1 rZ                         // delay=4
      r3    = mov 0x1                                 // delay=1
      p0    = isetp.lt.u32 r3 r2                      // delay=11
      r8..12 = ld.shared.b128 [r2]                    // delay=1
} -> [2]
block 2 L7 [1, 2] -> {
      r4    = ffma.ftz r8 r9 r4                       // delay=2
@p0   r5    = ffma.ftz r8 r10 r5                      // delay=2
@!p0  r6    = ffma.ftz r8 r11 r6                      // delay=2
      r3    = iadd3 r3 0x1 rZ                         // delay=4
@p0           bra pT L7                               // delay=1
} -> [2, 3]
block 3 L9 [2] -> {
      r5    = hfma2 r4 r5 r6                          // delay=2
      r6    = fadd.ftz r4 r5                          // delay=2
@p0           bra pT L5                               // delay=1
} -> [1, 4]
block 4 L11 [3] -> {
              exit                                    // delay=1
} -> []
`;

describe('a driver’s listing', () => {
  it('is read into blocks, with what may follow each', () => {
    expect(amdBlocks(AMD).map(({ next }) => next)).toEqual([[2], [2], [4, 3], [1], []]);
    expect(nvidiaBlocks(NVIDIA).map(({ next }) => next)).toEqual([[1], [2], [2, 3], [1, 4], []]);
  });

  it('gives the share of multiply-adds of the loop, without what leads to it', () => {
    expect(multiplyAddShare(amdBlocks(AMD), 8)).toBe(4 / 6);
  });

  it('counts the loop around the one that multiplies once for its trips', () => {
    expect(multiplyAddShare(nvidiaBlocks(NVIDIA), 1)).toBe(4 / 9);
    expect(multiplyAddShare(nvidiaBlocks(NVIDIA), 8)).toBe((1 + 8 * 3) / (5 + 8 * 4));
  });

  it('gives the share of all where no loop multiplies', () => {
    const text = 'BB0:\n\tv_fmac_f32_e32 v1, v2, v3 ; 0\n\tv_mov_b32_e32 v1, v2 ; 0\n\ts_endpgm ; 0\n';
    expect(multiplyAddShare(amdBlocks(text), 8)).toBe(1 / 2);
    expect(multiplyAddShare(amdBlocks('BB0:\n\ts_endpgm ; 0\n'), 8)).toBe(0);
  });

  it('counts two instructions in one once, and matrices not', () => {
    const dual = 'v_dual_mul_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6';
    const kinds = (line: string) => amdBlocks(`BB0:\n\t${line} ; 0\n`)[0].kinds;
    expect(kinds(dual)).toEqual(['multiply-add']);
    expect(kinds('v_dual_mul_f32 v1, v2, v3 :: v_dual_add_f32 v4, v5, v6')).toEqual(['vector']);
    expect(kinds('v_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7]')).toEqual(['other']);
    expect(kinds('v_mad_u64_u32 v[0:1], null, v2, v3, v[4:5]')).toEqual(['vector']);
    expect(nvidiaBlocks('block 0 [] -> {\n r0..4 = hmma.m16n8k16.f32 r4 r8 r0 // \n} -> []')[0].kinds).toEqual([
      'other',
    ]);
  });
});

describe('a report of the layer', () => {
  it('is read with texts that look like statistics, and with characters of several bytes', () => {
    const text = 'statistic x = 1\ntext y = 9\n· end';
    const file = `statistic VGPRs = 128\nstatistic Inverse Throughput = 0.5\ntext Assembly = ${Buffer.byteLength(text)}\n${text}\nstatistic Spilled VGPRs = -1\n`;
    const { statistics, texts } = readReport(Buffer.from(file).toString('latin1'));
    expect([...statistics]).toEqual([
      ['VGPRs', 128],
      ['Inverse Throughput', 0.5],
      ['Spilled VGPRs', -1],
    ]);
    expect([...texts].map(([name, value]) => [name, Buffer.from(value, 'latin1').toString()])).toEqual([
      ['Assembly', text],
    ]);
  });
});

const pipeline = (changes: Partial<CompiledPipeline>): CompiledPipeline => ({
  id: '0000',
  kernel: 'conv2d_v2_workgroup',
  overrides: { DEPTH: 4 },
  half: false,
  flops: 1,
  bytes: 1,
  ...changes,
});

const report = (registers: number, spills: number, listing = AMD): DriverReport => ({
  statistics: new Map([
    ['VGPRs', registers],
    ['Subgroups per SIMD', 8],
    ['Spilled VGPRs', spills],
  ]),
  texts: new Map([['Assembly', listing]]),
});

describe('the table', () => {
  it('names what a kernel computes, and not how it is cut', () => {
    const overrides = { FILTER: 5, STRIDE: 2, STRIP: 4, FLIP: 0, NORMALISED: 1, ACTIVATION: 2 };
    expect(rowName({ kernel: 'depthwise', overrides, half: true })).toBe('depthwise filter 5 stride 2 normalised f16');
    expect(
      rowName({ kernel: 'matmul', overrides: { DOWN: 16, LEFT_TRANSPOSED: 1, RIGHT_TRANSPOSED: 0 }, half: false }),
    ).toBe('matmul left transposed');
  });

  it('has a row a kernel: of the pipeline that does most, with the spills of all', () => {
    const rows = tableRows([
      [pipeline({ kernel: 'fill', flops: 0, bytes: 5 }), report(8, 0)],
      [pipeline({ kernel: 'fill', flops: 0, bytes: 9 }), report(16, 0)],
      [pipeline({ flops: 2, bytes: 9 }), report(96, 3, 'BB0:\n')],
      [pipeline({ flops: 7 }), report(128, 0)],
    ]);
    expect(rows).toEqual([
      { kernel: 'conv2d_v2_workgroup', registers: 128, waves: 8, spills: 3, share: 0.667 },
      { kernel: 'fill', registers: 16, waves: 8, spills: 0, share: null },
    ]);
    expect(showRows(rows)).toBe(
      [
        'kernel               registers  waves  spills  share',
        'conv2d_v2_workgroup        128      8       3   0.67',
        'fill                        16      8       0      -',
      ].join('\n'),
    );
  });

  it('has no share where the driver lists no instructions', () => {
    const statistics = new Map([
      ['GPRs', 151],
      ['Threads', 640],
      ['Spills', 0],
    ]);
    expect(tableRows([[pipeline({}), { statistics, texts: new Map() }]])).toEqual([
      { kernel: 'conv2d_v2_workgroup', registers: 151, waves: 640, spills: 0, share: null },
    ]);
  });

  it('takes no driver that does not tell registers', () => {
    expect(() => tableRows([[pipeline({}), { statistics: new Map(), texts: new Map() }]])).toThrow(
      /tells none of VGPRs/,
    );
  });

  it('is kept as it is read', () => {
    const text = readFileSync(new URL('../../bench/machine_code/table.json', import.meta.url), 'utf8');
    const table = readKept(text);
    expect(showKept(table)).toBe(text);
    expect(Object.keys(table)).toEqual(KEPT);
    for (const { rows } of Object.values(table)) {
      expect(rows.length).toBeGreaterThan(40);
      expect(rows.filter(({ spills }) => spills !== 0)).toEqual([]);
    }
    expect(table['apple-m1'].rows.every(({ share }) => share === null)).toBe(true);
  });
});

describe('the comparison', () => {
  const row = (changes: Partial<Row> = {}): Row => ({
    kernel: 'matmul',
    registers: 128,
    waves: 8,
    spills: 0,
    share: 0.9,
    ...changes,
  });
  const failures = (kept: Row, now: Row) => compareRows('rdna2', [kept], [now]).failures;

  it('passes what is as it was, better, or less than a tenth worse', () => {
    expect(compareRows('rdna2', [row()], [row()])).toEqual({ failures: [], notes: [] });
    expect(failures(row({ spills: 4 }), row({ share: 0.95 }))).toEqual([]);
    expect(failures(row(), row({ share: 0.811, registers: 255, waves: 4 }))).toEqual([]);
    expect(failures(row({ share: null }), row({ share: null }))).toEqual([]);
    expect(failures(row({ share: 0 }), row({ share: 0 }))).toEqual([]);
  });

  it('fails where a kernel spills and did not, or more than it did', () => {
    expect(failures(row(), row({ spills: 2 }))).toEqual(['matmul on rdna2 newly spills: 0 -> 2']);
    expect(failures(row({ spills: 2 }), row({ spills: 3 }))).toEqual(['matmul on rdna2 spills more: 2 -> 3']);
  });

  it('fails where a tenth of the share is gone, or all of it', () => {
    expect(failures(row(), row({ share: 0.81 }))).toEqual([
      'matmul on rdna2 lost a tenth of its share or more: 0.9 -> 0.81',
    ]);
    expect(failures(row({ share: 0.7 }), row({ share: 0.63 })).length).toBe(1);
    expect(failures(row(), row({ share: null }))).toEqual(['matmul on rdna2 has no share any more; it was 0.9']);
  });

  it('names what is new and what is gone, and fails for neither', () => {
    expect(compareRows('ampere', [row()], [row({ kernel: 'conv2d', spills: 9 })])).toEqual({
      failures: [],
      notes: ['conv2d on ampere is new', 'matmul on ampere is no longer used'],
    });
  });
});

describe('the command', () => {
  const places = { home: '/nowhere', program: '/nowhere', cache: '/nowhere' };

  it('refuses what it does not know before it fetches anything', async () => {
    await expect(machineCode(['--gpu', 'rdna2,voodoo'], places)).rejects.toThrow(
      /no GPU is called voodoo; give some of/,
    );
    await expect(machineCode(['--udpate'], places)).rejects.toThrow(/--udpate.*--help lists the options/);
  });

  it('says so where Debian has no shim', () => {
    const paths = { program: '/nowhere', layers: '/nowhere', folder: '/nowhere' };
    expect(() => compileFor(GPUS['intel-dg2'], { root: '/nowhere', mesa: '26' }, paths)).toThrow(
      /Debian has no drm-shim for intel: build \/nowhere.*libintel_noop_drm_shim.so as bench\/ladder_gpu.md tells/,
    );
  });

  it('fetches on Debian for x86-64, from the mirror that the machine has', () => {
    const debian = { id: 'debian', version: 12, codename: 'bookworm', name: 'Debian GNU/Linux 12 (bookworm)' };
    const source = { types: ['deb'], components: ['main'], signedBy: null };
    const sources = [
      { ...source, uris: ['https://example.org/node'], suites: ['stable'] },
      { ...source, uris: ['https://example.org/debian'], suites: ['bookworm'], components: ['contrib'] },
      { ...source, uris: ['https://example.org/mirror/debian/'], suites: ['bookworm', 'bookworm-updates'] },
    ];
    expect(mirrorOf(debian, 'x64', sources)).toBe('https://example.org/mirror/debian/');
    expect(() => mirrorOf(debian, 'arm64', sources)).toThrow(
      /packages of Debian for x86-64, and this is Debian .* on arm64/,
    );
    expect(() => mirrorOf({ ...debian, id: 'fedora', name: 'Fedora 41' }, 'x64', sources)).toThrow(/this is Fedora 41/);
    expect(() => mirrorOf(debian, 'x64', sources.slice(0, 2))).toThrow(/name no mirror of Debian/);
  });
});

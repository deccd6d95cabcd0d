import type { Device } from '../../engine/device/device.ts';
import type { KernelSource, Launch } from '../../kernels/kernel.ts';
import type { SubgroupMatrix } from '../../kernels/matmul/matrix_tiling.ts';
import { roundToHalf } from '../half.ts';
import { randomArray } from '../random.ts';

/*
 * Kernels with subgroup matrices on adapters that have none: the text as it lies, with the types and built-ins replaced
 * by plain WGSL that does what "Subgroup Matrix" in Dawn's docs/dawn/features says of them. A subgroup is SUBGROUP_SIZE
 * invocations that follow one another. An operand is the place that it was loaded from, and read when it is multiplied:
 * no barrier lies between. Each invocation holds its share of a result. So what is read before it is there, or
 * overwritten too early, is as wrong as on tensor cores.
 *
 * A load or store beyond its array, or at an offset or stride that is no multiple of 16 bytes, makes every number of
 * the matrix NaN.
 */

const LOAD = /\bsubgroupMatrixLoad<(\w+), (row_major|col_major)>\(&(\w+), /g;
const STORE = /\bsubgroupMatrixStore<(row_major|col_major)>\(&(\w+), /g;
const ALIAS = /^alias (\w+) = subgroup_matrix_(left|right|result)<(\w+), (\w+), (\w+)>;$/gm;

const NOT_A_NUMBER = 'bitcast<f32>(0x7fc00000u + emulated_zero)';

/** Whether a matrix lies well in its array: of `lines` lines of `width` elements. */
const wellPlaced = (lines: string, width: string, bytes: number, length: string): string =>
  `offset + stride * (${lines} - 1u) + ${width} <= ${length} && stride >= ${width} && offset * ${bytes}u % 16u == 0u && stride * ${bytes}u % 16u == 0u`;

/**
 * The kernel's text in plain WGSL.
 * @param f16 whether the adapter has f16; without, what is rounded to f16 is kept as f32
 */
export function emulateSubgroupMatrices(code: string, f16: boolean): string {
  const types = new Map(
    [...code.matchAll(ALIAS)].map(([, name, kind, type, columns, rows]) => [name, { kind, type, columns, rows }]),
  );
  const arrays = new Map(
    [...code.matchAll(/^var<workgroup> (\w+): array<(f16|f32), (.+)>;$/gm)].map(([, name, type, length]) => [
      name,
      { type, bytes: type === 'f16' ? 2 : 4, length },
    ]),
  );
  const byKind = (kind: string) => [...types].find(([, type]) => type.kind === kind)!;
  const [[left, { columns: K }], [right], [result, { columns: N, rows: M }]] = [
    byKind('left'),
    byKind('right'),
    byKind('result'),
  ];
  const share = `((${M} * ${N} + SUBGROUP_SIZE - 1u) / SUBGROUP_SIZE)`;
  // A loop whose end the compiler does not know is not unrolled: sixteen copies of it would take a minute to compile.
  const loop = (i: string, end: string) => `for (var ${i} = 0u; ${i} < ${end} + emulated_zero; ${i}++)`;
  const made = new Map<string, string>();
  const source = new Map<string, string>();

  let text = code
    .replace(/^enable (subgroups|chromium_experimental_subgroup_matrix);$/gm, '')
    .replace(ALIAS, (_, name, kind) =>
      kind === 'result'
        ? `struct ${name} {\n  e: array<f32, ${share}>,\n}`
        : `struct ${name} {\n  offset: u32,\n  down: u32,\n  across: u32,\n  well: bool,\n}`,
    )
    .replace(LOAD, (_, type, major, array) => {
      const { columns, rows, type: component } = types.get(type)!;
      const { bytes, length, type: element } = arrays.get(array)!;
      if (element !== component || (source.get(type) ?? array) !== array)
        throw new Error(`${type} cannot be loaded from ${array}`);
      source.set(type, array);
      const [lines, width, strides] =
        major === 'row_major' ? [rows, columns, 'stride, 1u'] : [columns, rows, '1u, stride'];
      made.set(
        `${type} ${major}`,
        `fn load_${type}_${major}(offset: u32, stride: u32) -> ${type} {\n  return ${type}(offset, ${strides}, ${wellPlaced(lines, width, bytes, length)});\n}`,
      );
      return `load_${type}_${major}(`;
    })
    .replace(STORE, (_, major, array) => {
      const { bytes, length } = arrays.get(array)!;
      const [lines, width, at] =
        major === 'row_major' ? [M, N, `e / ${N} * stride + e % ${N}`] : [N, M, `e % ${N} * stride + e / ${N}`];
      made.set(
        `${array} ${major}`,
        `fn store_${array}_${major}(offset: u32, m: ${result}, stride: u32) {
  var own = m;
  let well = ${wellPlaced(lines, width, bytes, length)};
  ${loop('i', share)} {
    let e = emulated_lane + i * SUBGROUP_SIZE;
    if (e < ${M} * ${N}) {
      ${array}[min(offset + ${at}, ${length} - 1u)] = select(${NOT_A_NUMBER}, own.e[i], well);
    }
  }
}`,
      );
      return `store_${array}_${major}(`;
    })
    .replace(
      /,\s*@builtin\(subgroup_id\) (\w+): u32,?\s*\) \{/,
      (_, name) =>
        `) {\n  emulated_lane = lane % SUBGROUP_SIZE;\n  emulated_zero = params.${/struct Params \{\s*(\w+)/.exec(code)![1]} & 0x80000000u;\n  let ${name} = lane / SUBGROUP_SIZE;`,
    )
    .replaceAll('subgroupMatrixMultiplyAccumulate', 'multiply_accumulate');
  made.set(
    'multiply',
    `fn multiply_accumulate(a: ${left}, b: ${right}, c: ${result}) -> ${result} {
  var m = c;
  ${loop('i', share)} {
    let e = min(emulated_lane + i * SUBGROUP_SIZE, ${M} * ${N} - 1u);
    let row = a.offset + e / ${N} * a.down;
    let column = b.offset + e % ${N} * b.across;
    var sum = select(${NOT_A_NUMBER}, m.e[i], a.well && b.well);
    ${loop('k', K)} {
      sum += f32(${source.get(left)}[row + k * a.across]) * f32(${source.get(right)}[column + k * b.down]);
    }
    m.e[i] = sum;
  }
  return m;
}`,
  );
  const own = ['var<private> emulated_lane: u32;', 'var<private> emulated_zero: u32;', ...made.values()];
  text = `${[text, ...own].join('\n')}\n`;
  if (!f16)
    text = text
      .replace(/^enable f16;$/gm, '')
      .replace(/\bvec4<f16>\((?=\w)/g, 'quantizeToF16(')
      .replace(/\bf16\b/g, 'f32');
  return text;
}

const hasMatrices = ({ code }: KernelSource): boolean => code.includes('enable chromium_experimental_subgroup_matrix;');

/**
 * The device with subgroup matrices of this shape, emulated; programs for it are compiled as for a real GPU. `change`
 * is applied to the kernels' text before.
 */
export function withEmulatedMatrices(
  device: Device,
  subgroupMatrix: SubgroupMatrix,
  change: (code: string) => string = (code) => code,
): Device {
  const f16 = device.capabilities.f16;
  return Object.create(device, {
    capabilities: { value: { ...device.capabilities, software: false, f16: true, subgroupMatrix } },
    pipeline: {
      value(launch: Launch) {
        if (!hasMatrices(launch.kernel)) return device.pipeline(launch);
        const code = emulateSubgroupMatrices(change(launch.kernel.code), f16);
        // Other text is another pipeline.
        return device.pipeline({
          ...launch,
          kernel: { ...launch.kernel, name: `${launch.kernel.name}, emulated: ${code}`, code },
        });
      },
    },
  }) as Device;
}

/** Matrices that adapters have: the first those of NVIDIA, the second those of Apple. */
export const SHAPES = [
  { M: 16, N: 16, K: 16, subgroupSize: 32 },
  { M: 8, N: 8, K: 8, subgroupSize: 32 },
  { M: 16, N: 8, K: 16, subgroupSize: 32 },
] as const;

const told = new Set<string>();
/** The device if it has subgroup matrices, or with emulated ones; it says which. */
export function withMatrices(device: Device, shape = 0): Device {
  const real = device.capabilities.subgroupMatrix;
  const { M, N, K } = real ?? SHAPES[shape];
  const line = `${device.adapter.description}: ${real ? 'its own' : 'emulated'} subgroup matrices of ${M} x ${N} x ${K}`;
  if (!told.has(line)) console.info(line);
  told.add(line);
  return real ? device : withEmulatedMatrices(device, SHAPES[shape]);
}

export const absolute = (x: Float32Array) => x.map(Math.abs);
/** Numbers that f16 holds, none of them subnormal: WGSL lets those be taken for zero. */
export const halves = (size: number, seed: number) =>
  randomArray(size, seed).map((v) => (Math.abs(v) < 2 ** -14 ? 0 : roundToHalf(v)));

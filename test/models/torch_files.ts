import { makeZip, type ZipEntry } from '../vision/data/archive_files.ts';

/*
 * Files as torch.save writes them, byte by byte, by a pickler of its own that knows how to write what its reader must
 * refuse too.
 */

/** A class or function by its name: the instruction GLOBAL. */
export class Global {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}
}
/** A call that a reader is asked for: REDUCE. */
export class Call {
  constructor(
    readonly callee: unknown,
    readonly args: readonly unknown[],
  ) {}
}
/** An object whose state is set afterwards: BUILD. */
export class Built {
  constructor(
    readonly object: unknown,
    readonly state: unknown,
  ) {}
}
/** What lies beside the pickle: BINPERSID. */
export class Persistent {
  constructor(readonly id: unknown) {}
}
export class Tuple {
  constructor(readonly items: readonly unknown[]) {}
}
/** Instructions as they are. */
export class Raw {
  constructor(readonly bytes: readonly number[]) {}
}

const ascii = (text: string): number[] => [...Buffer.from(text)];
const uint32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);

/** The instructions that push a value: numbers, texts, null, arrays as lists, Maps, and the classes above. */
function pushed(value: unknown): number[] {
  if (value instanceof Raw) return value.bytes as number[];
  if (value instanceof Tuple) return [0x28, ...value.items.flatMap(pushed), 0x74];
  if (value instanceof Global) return ascii(`c${value.module}\n${value.name}\n`);
  if (value instanceof Call) return [...pushed(value.callee), ...pushed(new Tuple(value.args)), 0x52];
  if (value instanceof Built) return [...pushed(value.object), ...pushed(value.state), 0x62];
  if (value instanceof Persistent) return [...pushed(value.id), 0x51];
  if (value instanceof Map)
    return [[0x7d, 0x28], [...value].flatMap(([key, each]) => [pushed(key), pushed(each)].flat()), [0x75]].flat();
  if (Array.isArray(value)) return [0x5d, 0x28, ...value.flatMap(pushed), 0x65];
  if (typeof value === 'string') return [0x58, ...uint32(Buffer.byteLength(value)), ...ascii(value)];
  if (typeof value === 'boolean') return [value ? 0x88 : 0x89];
  if (typeof value === 'bigint') {
    const bytes = Array.from({ length: 10 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
    return [0x8a, 10, ...bytes];
  }
  if (typeof value === 'number') return [0x4a, ...uint32(value)];
  return [0x4e];
}

/** A pickle of protocol 2. */
export const pickled = (value: unknown): Buffer => Buffer.from([[0x80, 2], pushed(value), [0x2e]].flat());

export interface TensorPlan {
  readonly key?: string;
  readonly storage?: string;
  readonly count: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Behind the persistent id: of the old format null, or the view of PyTorch before 0.4. */
  readonly view?: unknown;
}

/** A tensor as _rebuild_tensor_v2 is given it. */
export function tensor(plan: TensorPlan): Call {
  const { key = '0', storage = 'FloatStorage', count, offset = 0, shape, strides, view } = plan;
  const id = ['storage', new Global('torch', storage), key, 'cpu', count, ...(view === undefined ? [] : [view])];
  return new Call(new Global('torch._utils', '_rebuild_tensor_v2'), [
    new Persistent(new Tuple(id)),
    offset,
    new Tuple(shape),
    new Tuple(strides),
    false,
    new Call(new Global('collections', 'OrderedDict'), []),
  ]);
}

export const floats = (...values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

/** The format since PyTorch 1.6. */
export function torchZip(
  object: unknown,
  storages: Readonly<Record<string, Uint8Array>>,
  { method = 0, byteorder = 'little', more = [] as readonly ZipEntry[] } = {},
): Buffer {
  const entries = [
    { path: 'model/data.pkl', bytes: pickled(object) },
    { path: 'model/byteorder', bytes: Buffer.from(byteorder) },
    ...Object.entries(storages).map(([key, bytes]) => ({ path: `model/data/${key}`, bytes })),
    { path: 'model/version', bytes: Buffer.from('3\n') },
  ];
  return makeZip([...entries.map((entry) => ({ ...entry, method })), ...more]);
}

export const MAGIC = 0x1950a86a20f9469cfc6cn;

/** The format before PyTorch 1.6: a count of elements before each storage. */
export function torchLegacy(
  object: unknown,
  storages: readonly (readonly [key: string, count: number, bytes: Uint8Array])[],
  { little = true, version = 1001 } = {},
): Buffer {
  const machine = new Map<unknown, unknown>([
    ['protocol_version', 1001],
    ['little_endian', little],
  ]);
  const counted = storages.flatMap(([, count, bytes]) => {
    const length = Buffer.alloc(8);
    if (little) length.writeBigInt64LE(BigInt(count));
    else length.writeBigInt64BE(BigInt(count));
    return [length, Buffer.from(bytes)];
  });
  const pickles = [MAGIC, version, machine, object, storages.map(([key]) => key)].map(pickled);
  return Buffer.concat([...pickles, ...counted]);
}

/*
 * By Python's own pickle and zipfile, with classes of PyTorch's names: conv.weight [2, 3] of 0 to 5, conv.t its
 * transpose, a Parameter, conv.row its second row, and half [2] of 0.5 and -2 in f16. BY_PYTHON_ZIP is a checkpoint of
 * Lightning, deflated, with an argparse.Namespace among its hyper-parameters; BY_PYTHON_5 is of protocol 5, stored;
 * BY_PYTHON_LEGACY is of the format before PyTorch 1.6.
 */
const base64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
export const BY_PYTHON_ZIP = base64(
  [
    'UEsDBBQAAAAIAAAAIQB8zX8Q1wEAAJUCAAAKAAAAbS9kYXRhLnBrbHVSyY4TMRDtZVYPAzPsw77TASZMws6FCwIki625+IJajmPSLfWk+9nujA',
    'apJTgkwCfAH/AJ/AZ/wp0DbmcyN3xyvap6fuV6n4IaXsTmPc+TZSFS+DRkGzYqd02hRLqZZ4PUDLPhIBlJpbNiiICFNt9tdxCyNXtLd0upkpIr',
    'vi2NrcGc4GpgYy3JK4vpkgtJMN/6jIUaiyywPbnC0vMnv74354fuMWIxbbiRST8TBstCFHkuhbHvafJa9aWS/ac2Q0BaMVYitmIbRDEctXdkIx',
    'AHhJPbTiqT5ZokSvaqLO8nRg51oZJRl2A1itiie6dQfCBxcNpCnuUFN++mIMEh5tuaLay5KUVZYZ0uGBx+Sz0a0HCCIzSk/gRHv6WNlGMGx2Oc',
    'YAszPQYn/yNl/4cINtLVKHWUIQ0mOEX9hvn0lPKMwdkY57664PwXXIhxkS3N+FWxg0t77SENx7hM/TGuTFuvGlyLcZ3NNWvh+QdEtjJKZ5O+sN',
    'D+oC03aAc30nUaGNx0A45xK93j2jRox7hd1dhiy7Yysdp5nxuOjst3mQU93Klx133rzB73qK+1XWljjaI02Xb20drDLVfj/ns8qPFwajiH4VGN',
    'x6k1w5vey99/fv6teNX+B1BLAwQUAAAACAAAACEAhT3jGQgAAAAGAAAACwAAAG0vYnl0ZW9yZGVyy8ksKclJBQBQSwMEFAAAAAgAAAAhABeQ55',
    'ERAAAAGAAAAAgAAABtL2RhdGEvMGNgAIEGeyDhAERA3ADECxwAUEsDBBQAAAAIAAAAIQCEqViQBgAAAAQAAAAIAAAAbS9kYXRhLzFjsGA4AABQ',
    'SwMEFAAAAAgAAAAhANGeZ1UEAAAAAgAAAAkAAABtL3ZlcnNpb24z5gIAUEsBAhQDFAAAAAgAAAAhAHzNfxDXAQAAlQIAAAoAAAAAAAAAAAAAAI',
    'ABAAAAAG0vZGF0YS5wa2xQSwECFAMUAAAACAAAACEAhT3jGQgAAAAGAAAACwAAAAAAAAAAAAAAgAH/AQAAbS9ieXRlb3JkZXJQSwECFAMUAAAA',
    'CAAAACEAF5DnkREAAAAYAAAACAAAAAAAAAAAAAAAgAEwAgAAbS9kYXRhLzBQSwECFAMUAAAACAAAACEAhKlYkAYAAAAEAAAACAAAAAAAAAAAAA',
    'AAgAFnAgAAbS9kYXRhLzFQSwECFAMUAAAACAAAACEA0Z5nVQQAAAACAAAACQAAAAAAAAAAAAAAgAGTAgAAbS92ZXJzaW9uUEsFBgAAAAAFAAUA',
    'FAEAAL4CAAAAAA==',
  ].join(''),
);
export const BY_PYTHON_5 = base64(
  [
    'UEsDBBQAAAAAAAAAIQCIArVcggEAAIIBAAAKAAAAbS9kYXRhLnBrbIAFlXcBAAAAAAAAjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKV',
    'KUKIwLY29udi53ZWlnaHSUjAx0b3JjaC5fdXRpbHOUjBJfcmVidWlsZF90ZW5zb3JfdjKUk5QoKIwHc3RvcmFnZZSMBXRvcmNolIwMRmxvYXRT',
    'dG9yYWdllJOUjAEwlIwDY3B1lEsGdJRRSwBLAksDhpRLA0sBhpSJaAIpUpR0lFKUjAZjb252LnSUaAWMEl9yZWJ1aWxkX3BhcmFtZXRlcpSTlG',
    'gHKGgOUUsASwNLAoaUSwFLA4aUiWgCKVKUdJRSlIhoAilSlIeUUpSMCGNvbnYucm93lGgHKGgOUUsDSwOFlEsBhZSJaAIpUpR0lFKUjARoYWxm',
    'lGgHKChoCGgJjAtIYWxmU3RvcmFnZZSTlIwBMZRoDUsCdJRRSwBLAoWUaCGJaAIpUpR0lFKUdX2UjAlfbWV0YWRhdGGUaAIpUpSMAJR9lIwHdm',
    'Vyc2lvbpRLAXNzc2IuUEsDBBQAAAAAAAAAIQCFPeMZBgAAAAYAAAALAAAAbS9ieXRlb3JkZXJsaXR0bGVQSwMEFAAAAAAAAAAhABeQ55EYAAAA',
    'GAAAAAgAAABtL2RhdGEvMAAAAAAAAIA/AAAAQAAAQEAAAIBAAACgQFBLAwQUAAAAAAAAACEAhKlYkAQAAAAEAAAACAAAAG0vZGF0YS8xADgAwF',
    'BLAwQUAAAAAAAAACEA0Z5nVQIAAAACAAAACQAAAG0vdmVyc2lvbjMKUEsBAhQDFAAAAAAAAAAhAIgCtVyCAQAAggEAAAoAAAAAAAAAAAAAAIAB',
    'AAAAAG0vZGF0YS5wa2xQSwECFAMUAAAAAAAAACEAhT3jGQYAAAAGAAAACwAAAAAAAAAAAAAAgAGqAQAAbS9ieXRlb3JkZXJQSwECFAMUAAAAAA',
    'AAACEAF5DnkRgAAAAYAAAACAAAAAAAAAAAAAAAgAHZAQAAbS9kYXRhLzBQSwECFAMUAAAAAAAAACEAhKlYkAQAAAAEAAAACAAAAAAAAAAAAAAA',
    'gAEXAgAAbS9kYXRhLzFQSwECFAMUAAAAAAAAACEA0Z5nVQIAAAACAAAACQAAAAAAAAAAAAAAgAFBAgAAbS92ZXJzaW9uUEsFBgAAAAAFAAUAFA',
    'EAAGoCAAAAAA==',
  ].join(''),
);
export const BY_PYTHON_LEGACY = base64(
  [
    'gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cG',
    'Vfc2l6ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAmNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApx',
    'AClScQEoWAsAAABjb252LndlaWdodHECY3RvcmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQMoKFgHAAAAc3RvcmFnZXEEY3RvcmNoCk',
    'Zsb2F0U3RvcmFnZQpxBVgBAAAAMHEGWAMAAABjcHVxB0sGTnRxCFFLAEsCSwOGcQlLA0sBhnEKiWgAKVJxC3RxDFJxDVgGAAAAY29udi50cQ5j',
    'dG9yY2guX3V0aWxzCl9yZWJ1aWxkX3BhcmFtZXRlcgpxD2gDKGgIUUsASwNLAoZxEEsBSwOGcRGJaAApUnESdHETUnEUiGgAKVJxFYdxFlJxF1',
    'gIAAAAY29udi5yb3dxGGgDKGgIUUsDSwOFcRlLAYVxGoloAClScRt0cRxScR1YBAAAAGhhbGZxHmgDKChoBGN0b3JjaApIYWxmU3RvcmFnZQpx',
    'H1gBAAAAMXEgaAdLAk50cSFRSwBLAoVxImgaiWgAKVJxI3RxJFJxJXV9cSZYCQAAAF9tZXRhZGF0YXEnaAApUnEoWAAAAABxKX1xKlgHAAAAdm',
    'Vyc2lvbnErSwFzc3NiLoACXXEAKFgBAAAAMHEBWAEAAAAxcQJlLgYAAAAAAAAAAAAAAAAAgD8AAABAAABAQAAAgEAAAKBAAgAAAAAAAAAAOADA',
  ].join(''),
);

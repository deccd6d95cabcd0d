import { UserError } from '../../engine/user_error.ts';

/** What reads a file. */
export type Reader = 'safetensors' | 'zip' | 'pickle' | 'hdf5';

/** What a file is, as its first and last bytes say: its name does not matter. */
export interface FileKind {
  /** To follow "this is". */
  readonly what: string;
  /** What reads its weights; absent: nothing does. */
  readonly reader?: Reader;
  /** What to do with it. */
  readonly advice: string;
}

interface KindRow extends FileKind {
  readonly fits: (head: string, bytes: Uint8Array) => boolean;
}

const HEAD_BYTES = 1024;
const starts =
  (...magics: readonly string[]) =>
  (head: string): boolean =>
    magics.some((magic) => head.startsWith(magic));
const matches =
  (pattern: RegExp) =>
  (head: string): boolean =>
    pattern.test(head);

const UNPACK = 'unpack it, and give what lies in it';
const DOWNLOAD = 'a download went wrong: get the file anew';
const ONNX = 'an ONNX model';
const CONVERT = 'save its weights as safetensors where they were made';

/**
 * Magic bytes, as latin1 text, in the order in which they are asked for. What is read comes first. Where each is from:
 * the formats' own specifications, and the sources of PyTorch (magic number of serialization.py) and TensorFlow
 * (kTableMagicNumber of table/format.h).
 */
const KINDS: readonly KindRow[] = [
  {
    what: 'a safetensors file',
    reader: 'safetensors',
    advice: '',
    // Eight bytes of header length, of which the upper four are zeros, and a JSON object.
    fits: (head) => head.slice(4, 9) === '\0\0\0\0{',
  },
  { what: 'a zip archive', reader: 'zip', advice: '', fits: starts('PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08') },
  { what: 'an HDF5 file', reader: 'hdf5', advice: '', fits: (_, bytes) => hdf5Start(bytes) !== null },
  {
    what: 'a Python pickle',
    reader: 'pickle',
    advice: '',
    fits: (head) => head[0] === '\x80' && head[1] >= '\x02' && head[1] <= '\x05',
  },
  {
    what: 'an HTML page',
    advice: `a server answered with a page instead of the file; open its address in a browser, and ${DOWNLOAD}`,
    fits: matches(/^(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body)\b/i),
  },
  { what: 'an XML page', advice: DOWNLOAD, fits: matches(/^(\xef\xbb\xbf)?\s*<\?xml\b/i) },
  {
    what: 'a pointer of Git LFS, not the file that it stands for',
    advice: 'fetch the file by `git lfs pull`, or download it',
    fits: starts('version https://git-lfs.github.com/spec/'),
  },
  {
    what: 'the index of weights that are split over several files',
    advice: 'give one file with all of them',
    fits: matches(/^\s*\{[\s\S]*"weight_map"/),
  },
  {
    what: 'the JSON of a TensorFlow.js model',
    advice: CONVERT,
    fits: matches(/^\s*\{[\s\S]*"(modelTopology|weightsManifest)"/),
  },
  {
    what: 'JSON',
    advice: 'it describes a model at best; give the file of its weights',
    fits: matches(/^\s*[[{]\s*["{[\]}\d]/),
  },
  { what: 'a GGUF file of a language model', advice: CONVERT, fits: starts('GGUF') },
  { what: 'a GGML file of a language model', advice: CONVERT, fits: starts('lmgg', 'fmgg', 'tjgg', 'ggml') },
  { what: 'a TensorFlow Lite model', advice: CONVERT, fits: (head) => head.slice(4, 8) === 'TFL3' },
  {
    what: 'a TensorFlow checkpoint',
    advice: 'load it into its Keras model and save that as .weights.h5 or .keras',
    fits: (_, bytes) => text(bytes.subarray(Math.max(0, bytes.length - 8))) === '\x57\xfb\x80\x8b\x24\x75\x47\xdb',
  },
  {
    what: 'a TensorFlow SavedModel',
    advice: 'load it by Keras and save it as .weights.h5 or .keras',
    fits: starts('\x08\x01\x12'),
  },
  {
    what: ONNX,
    advice: 'it is a network with its weights: give it as --model',
    // ir_version, and then producer_name, producer_version, domain, model_version, doc_string, graph or opset_import.
    fits: (head) =>
      head[0] === '\b' && head[1] >= '\x02' && head[1] <= '\x20' && '\x12\x1a\x22\x28\x32\x3a\x42'.includes(head[2]),
  },
  { what: 'packed by gzip', advice: UNPACK, fits: starts('\x1f\x8b') },
  { what: 'packed by xz', advice: UNPACK, fits: starts('\xfd7zXZ\0') },
  { what: 'packed by zstd', advice: UNPACK, fits: starts('\x28\xb5\x2f\xfd') },
  { what: 'packed by bzip2', advice: UNPACK, fits: matches(/^BZh[1-9]1AY&SY/) },
  { what: 'a 7-Zip archive', advice: UNPACK, fits: starts('7z\xbc\xaf\x27\x1c') },
  { what: 'a RAR archive', advice: UNPACK, fits: starts('Rar!\x1a\x07') },
  { what: 'a tar archive', advice: UNPACK, fits: (head) => head.slice(257, 262) === 'ustar' },
  { what: 'a NumPy array', advice: CONVERT, fits: starts('\x93NUMPY') },
  { what: 'a MATLAB file', advice: CONVERT, fits: starts('MATLAB 5.0 MAT-file') },
  { what: 'a file of MXNet parameters', advice: CONVERT, fits: starts('\x12\x01\0\0\0\0\0\0') },
  { what: 'a PDF', advice: 'give the file of the weights', fits: starts('%PDF-') },
  { what: 'an image', advice: 'give the file of the weights', fits: starts('\x89PNG\r\n', '\xff\xd8\xff', 'GIF8') },
];

/** Where the superblock of an HDF5 file lies: at 0, 512, or twice as far again and again; null where there is none. */
export function hdf5Start(bytes: Uint8Array): number | null {
  for (let at = 0; at + 8 <= bytes.length; at = at === 0 ? 512 : at * 2)
    if (text(bytes.subarray(at, at + 8)) === '\x89HDF\r\n\x1a\n') return at;
  return null;
}

/** Tells what a file is; undefined where its bytes say nothing known. */
export function kindOf(bytes: Uint8Array): FileKind | undefined {
  const head = text(bytes.subarray(0, HEAD_BYTES));
  return KINDS.find(({ fits }) => fits(head, bytes));
}

/** Whether a file is a network as ONNX. */
export const isOnnx = (bytes: Uint8Array): boolean => kindOf(bytes)?.what === ONNX;

/** Why a file is not read as weights, in a sentence. */
export function notWeights(bytes: Uint8Array, name: string): UserError {
  if (bytes.length === 0) return new UserError(`${name} is empty; get the file anew.`);
  const kind = kindOf(bytes);
  if (kind) return new UserError(`${name} is ${kind.what}, which is not read as weights; ${kind.advice}.`);
  const first = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return new UserError(
    `${name} is no file of weights that is read here: it begins with the bytes ${first}. Files of safetensors, PyTorch (.pth, .pt, .bin) and Keras (.h5, .keras) are read.`,
  );
}

/**
 * Refuses what is known to be something else than a safetensors file.
 * @throws UserError naming what it is
 */
export function refuseOtherKinds(bytes: Uint8Array, name: string): void {
  const kind = kindOf(bytes);
  if (!kind || kind.reader === 'safetensors') return;
  const { what, reader, advice } = kind;
  throw new UserError(`${name} is ${what}, where a safetensors file is needed${reader ? '' : `; ${advice}`}.`);
}

/** Bytes as latin1: a character each. */
function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

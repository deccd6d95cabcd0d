/** What a driver tells of a pipeline. */
export interface DriverReport {
  readonly statistics: ReadonlyMap<string, number>;
  /** The listings, by their names. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * Reads a file of capture_layer.c.
 * @param file a character a byte (latin1): the lengths of texts count bytes
 */
export function readReport(file: string): DriverReport {
  const [statistics, texts] = [new Map<string, number>(), new Map<string, string>()];
  const line = /(statistic|text) (.*) = (\S+)\n/y;
  for (let match = line.exec(file); match; match = line.exec(file)) {
    const [, kind, name, value] = match;
    if (kind === 'statistic') statistics.set(name, Number(value));
    else {
      const end = line.lastIndex + Number(value);
      texts.set(name, file.slice(line.lastIndex, end));
      line.lastIndex = end + 1;
    }
  }
  return { statistics, texts };
}

/** What counts for the share: a vector instruction that multiplies and adds, another one, or none. */
export type Kind = 'multiply-add' | 'vector' | 'other';

/** Instructions that run one after another, and the blocks that may follow them. */
export interface Block {
  readonly kinds: readonly Kind[];
  readonly next: readonly number[];
}

const AMD_MULTIPLY_ADD = /^v_(dual_)?(pk_)?(fma|mac|mad|dot2)(?!_[iu])/;

function amdKind(line: string): Kind {
  if (!line.startsWith('v_') || line.startsWith('v_wmma')) return 'other';
  // Of RDNA3 and later: two instructions in one, ` :: ` between them.
  return line.split(' :: ').some((half) => AMD_MULTIPLY_ADD.test(half)) ? 'multiply-add' : 'vector';
}

/** Of RADV's listing: a label begins a block (`BB7:`), and a line is an instruction; what follows `;` is its code. */
export function amdBlocks(text: string): Block[] {
  const blocks: { kinds: Kind[]; targets: string[]; falls: boolean }[] = [];
  const labels = new Map<string, number>();
  for (const whole of text.split('\n')) {
    const label = /^(BB\d+):/.exec(whole)?.[1];
    if (label) labels.set(label, blocks.length);
    if (label || blocks.length === 0) blocks.push({ kinds: [], targets: [], falls: true });
    const line = whole.replace(/;.*/, '').trim();
    if (label || line === '') continue;
    const block = blocks.at(-1)!;
    block.kinds.push(amdKind(line));
    const target = /^s_c?branch\S*\s+(BB\d+)/.exec(line)?.[1];
    if (target) block.targets.push(target);
    if (/^s_(branch|endpgm|setpc)/.test(line)) block.falls = false;
  }
  return blocks.map(({ kinds, targets, falls }, i) => ({
    kinds,
    next: [...targets.map((target) => labels.get(target)!), ...(falls && i + 1 < blocks.length ? [i + 1] : [])],
  }));
}

const NVIDIA_MULTIPLY_ADD = /^(ffma|hfma2)/;
/** Matrices, memory, barriers, branches. */
const NVIDIA_OTHER =
  /^(hmma|ldsm|movm|ldc|ld\.|st\.|atom|red|bar|bra|bsync|bssy|bclear|break|exit|warpsync|nop|s2ur|r2ur)/;

function nvidiaKind(line: string): Kind {
  const name = line.replace(/^@\S+\s+/, '').replace(/^[^=]* = /, '');
  if (NVIDIA_MULTIPLY_ADD.test(name)) return 'multiply-add';
  return NVIDIA_OTHER.test(name) ? 'other' : 'vector';
}

/** Of NVK's listing: `block 3 L7 [1, 2] -> {`, an instruction a line, `} -> [4, 5]`. */
export function nvidiaBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let kinds: Kind[] = [];
  for (const whole of text.split('\n')) {
    const line = whole.replace(/\/\/.*/, '').trim();
    if (/^block/.test(line)) kinds = [];
    else if (line.startsWith('}')) blocks.push({ kinds, next: [...line.matchAll(/\d+/g)].map(([n]) => Number(n)) });
    else if (line !== '') kinds.push(nvidiaKind(line));
  }
  return blocks;
}

/** A report's listing as blocks; null where the driver gives statistics alone. */
export function blocksOf({ texts }: DriverReport): Block[] | null {
  const [amd, nvidia] = [texts.get('Assembly'), texts.get('NAK assembly')];
  if (nvidia !== undefined) return nvidiaBlocks(nvidia);
  return amd === undefined ? null : amdBlocks(amd);
}

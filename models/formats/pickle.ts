import { UserError } from '../../engine/user_error.ts';

/*
 * A reader of Python's pickles (protocols 0 to 5, as Lib/pickletools.py describes them) that runs nothing. A pickle is
 * a program for a stack machine. Here its instructions build numbers, texts, arrays (lists, tuples and sets) and maps,
 * and what it wants to call is handed to `PickleRules`, which decide what comes of it.
 */

/** What stands for an object of a class, or the result of a function, that is not known: only its name is kept. */
export class Opaque {
  constructor(
    /** Module and name, as in `argparse.Namespace`. */
    readonly global: string,
  ) {}
}

export interface PickleRules {
  /** What a class or function is taken for. */
  global(name: string): unknown;
  /** What is made instead of calling it. */
  call(callee: unknown, args: readonly unknown[]): unknown;
  /** What a persistent id stands for: something that lies beside the pickle. */
  persistent(id: unknown): unknown;
}

/** More instructions than any file of weights has; each may take memory. */
const MOST_INSTRUCTIONS = 4_000_000;
/** Bytes of a whole number; PyTorch's magic number has 10. */
const MOST_LONG_BYTES = 64;

const STOP = 0x2e;
const UTF8 = new TextDecoder();

/**
 * Reads one pickle.
 * @param start where it begins in `bytes`
 * @param name the file's, for sentences
 * @returns what it holds, and where it ends
 * @throws UserError where it is cut short or none, and what the rules throw
 */
export function unpickle(
  bytes: Uint8Array,
  name: string,
  rules: PickleRules,
  start = 0,
): { value: unknown; end: number } {
  const machine = new Machine(bytes, start, name, rules);
  for (let count = 0; ; count++) {
    const at = machine.at;
    const code = machine.byte();
    if (code === STOP) return { value: machine.pop(), end: machine.at };
    const instruction = INSTRUCTIONS.get(code);
    if (!instruction) throw machine.damaged(`byte ${at} (0x${code.toString(16)}) is no instruction that is read`);
    if (count === MOST_INSTRUCTIONS) throw machine.damaged(`it has more than ${MOST_INSTRUCTIONS} instructions`);
    instruction(machine);
  }
}

/** The state of a pickle that is being read. */
class Machine {
  readonly #view: DataView;
  readonly #memo = new Map<number, unknown>();
  #stack: unknown[] = [];
  /** The stacks below each mark. */
  readonly #below: unknown[][] = [];
  #frameEnd = 0;

  constructor(
    readonly bytes: Uint8Array,
    public at: number,
    readonly name: string,
    readonly rules: PickleRules,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  damaged(why: string): UserError {
    return new UserError(`${this.name}: its pickle is damaged: ${why}; get the file anew.`);
  }

  /** Goes on by `length` bytes and returns where they began. A frame holds whole instructions. */
  #advance(length: number): number {
    const from = this.at;
    const end = from < this.#frameEnd ? this.#frameEnd : this.bytes.length;
    if (length > end - from) throw this.damaged(`it ends, or its frame does, within an instruction at byte ${from}`);
    this.at += length;
    return from;
  }

  take(length: number): Uint8Array {
    const from = this.#advance(length);
    return this.bytes.subarray(from, from + length);
  }
  byte(): number {
    return this.bytes[this.#advance(1)];
  }
  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }
  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }
  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }
  float64(): number {
    return this.#view.getFloat64(this.#advance(8));
  }
  /** The text up to the end of a line. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.damaged(`the line at byte ${this.at} has no end`);
    const text = this.text(end - this.at);
    this.#advance(1);
    return text;
  }
  text(length: number): string {
    return UTF8.decode(this.take(length));
  }

  frame(): void {
    const length = this.uint64();
    if (this.at < this.#frameEnd || length > this.bytes.length - this.at)
      throw this.damaged(`a frame at byte ${this.at} claims ${length} bytes, and does not fit`);
    this.#frameEnd = this.at + length;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }
  pop(): unknown {
    if (this.#stack.length === 0) throw this.damaged(`an instruction before byte ${this.at} takes from an empty stack`);
    return this.#stack.pop();
  }
  get top(): unknown {
    if (this.#stack.length === 0)
      throw this.damaged(`an instruction before byte ${this.at} needs a value, and there is none`);
    return this.#stack[this.#stack.length - 1];
  }
  mark(): void {
    this.#below.push(this.#stack);
    this.#stack = [];
  }
  /** What was pushed since the last mark. */
  popMark(): unknown[] {
    const below = this.#below.pop();
    if (!below) throw this.damaged(`an instruction before byte ${this.at} needs a mark, and there is none`);
    const items = this.#stack;
    this.#stack = below;
    return items;
  }

  remember(key = this.#memo.size): void {
    this.#memo.set(key, this.top);
  }
  recall(key: number): void {
    if (!this.#memo.has(key)) throw this.damaged(`it refers to value ${key}, which it has not made`);
    this.push(this.#memo.get(key));
  }

  /** A tuple of the last `count` values. */
  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop());
    this.push(items.reverse());
  }
  append(items: readonly unknown[]): void {
    const list = this.top;
    if (list instanceof Opaque) return;
    if (!Array.isArray(list)) throw this.damaged('it appends to what is no list');
    for (const item of items) list.push(item);
  }
  setItems(items: readonly unknown[]): void {
    const map = this.top;
    if (map instanceof Opaque) return;
    if (!(map instanceof Map) || items.length % 2 !== 0) throw this.damaged('it sets keys of what is no dictionary');
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }
  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.damaged('the name of a class is no text');
    this.push(this.rules.global(`${module}.${name}`));
  }
  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!Array.isArray(args)) throw this.damaged('the arguments of a call are no tuple');
    this.push(this.rules.call(callee, args));
  }
  long(length: number): void {
    if (length > MOST_LONG_BYTES) throw this.damaged(`it has a whole number of ${length} bytes`);
    let value = 0n;
    const bytes = this.take(length);
    bytes.forEach((byte, i) => {
      value |= BigInt(byte) << BigInt(8 * i);
    });
    this.push(wholeNumber(length > 0 ? BigInt.asIntN(8 * length, value) : 0n));
  }
  number(text: string): void {
    const value = Number(text.replace(/L$/, ''));
    if (text.length > 100 || Number.isNaN(value)) throw this.damaged(`'${text.slice(0, 20)}' is no number`);
    this.push(value);
  }
}

const wholeNumber = (value: bigint): number | bigint =>
  BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;

/** A Map of keys and values that follow one another. */
function dictionary(m: Machine, items: readonly unknown[]): void {
  m.push(new Map());
  m.setItems(items);
}

type Instruction = (m: Machine) => void;

/** By code, as in Lib/pickletools.py. Those that are absent make objects of classes, or are unused. */
const INSTRUCTIONS: ReadonlyMap<number, Instruction> = new Map(
  Object.entries<Instruction>({
    // Stack and memo
    '(': (m) => m.mark(),
    '0': (m) => m.pop(),
    '1': (m) => m.popMark(),
    '2': (m) => m.push(m.top),
    g: (m) => m.recall(Number(m.line())),
    h: (m) => m.recall(m.byte()),
    j: (m) => m.recall(m.uint32()),
    p: (m) => m.remember(Number(m.line())),
    q: (m) => m.remember(m.byte()),
    r: (m) => m.remember(m.uint32()),
    '\x94': (m) => m.remember(),
    // Numbers
    N: (m) => m.push(null),
    '\x88': (m) => m.push(true),
    '\x89': (m) => m.push(false),
    I: (m) => {
      const text = m.line();
      if (text === '00' || text === '01') m.push(text === '01');
      else m.number(text);
    },
    L: (m) => m.number(m.line()),
    F: (m) => m.number(m.line()),
    J: (m) => m.push(m.int32()),
    K: (m) => m.push(m.byte()),
    M: (m) => m.push(m.uint16()),
    G: (m) => m.push(m.float64()),
    '\x8a': (m) => m.long(m.byte()),
    '\x8b': (m) => m.long(m.uint32()),
    // Texts and bytes
    S: (m) => m.push(m.line().slice(1, -1)),
    V: (m) => m.push(m.line()),
    T: (m) => m.push(m.text(m.uint32())),
    U: (m) => m.push(m.text(m.byte())),
    X: (m) => m.push(m.text(m.uint32())),
    '\x8c': (m) => m.push(m.text(m.byte())),
    '\x8d': (m) => m.push(m.text(m.uint64())),
    B: (m) => m.push(m.take(m.uint32())),
    C: (m) => m.push(m.take(m.byte())),
    '\x8e': (m) => m.push(m.take(m.uint64())),
    '\x96': (m) => m.push(m.take(m.uint64())),
    // Lists, tuples, sets, dictionaries
    ']': (m) => m.push([]),
    l: (m) => m.push(m.popMark()),
    a: (m) => {
      const item = m.pop();
      m.append([item]);
    },
    e: (m) => {
      const items = m.popMark();
      m.append(items);
    },
    ')': (m) => m.push([]),
    t: (m) => m.push(m.popMark()),
    '\x85': (m) => m.tuple(1),
    '\x86': (m) => m.tuple(2),
    '\x87': (m) => m.tuple(3),
    '\x8f': (m) => m.push([]),
    '\x90': (m) => {
      const items = m.popMark();
      m.append(items);
    },
    '\x91': (m) => m.push(m.popMark()),
    '}': (m) => m.push(new Map()),
    d: (m) => dictionary(m, m.popMark()),
    s: (m) => {
      const [value, key] = [m.pop(), m.pop()];
      m.setItems([key, value]);
    },
    u: (m) => {
      const items = m.popMark();
      m.setItems(items);
    },
    // Classes, functions and what lies beside the pickle
    c: (m) => m.global(m.line(), m.line()),
    '\x93': (m) => {
      const [name, module] = [m.pop(), m.pop()];
      m.global(module, name);
    },
    R: (m) => m.call(),
    '\x81': (m) => m.call(),
    '\x92': (m) => {
      m.pop(); // arguments by name
      m.call();
    },
    // The state of an object says nothing of its values: dictionaries and tensors have theirs already.
    b: (m) => {
      m.pop();
      void m.top;
    },
    P: (m) => m.push(m.rules.persistent(m.line())),
    Q: (m) => m.push(m.rules.persistent(m.pop())),
    // The protocol's number, and frames
    '\x80': (m) => {
      const protocol = m.byte();
      if (protocol > 5) throw m.damaged(`it is of protocol ${protocol}`);
    },
    '\x95': (m) => m.frame(),
  }).map(([code, instruction]) => [code.charCodeAt(0), instruction]),
);

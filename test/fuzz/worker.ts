// The entry of a worker thread: reads mutated files of one format, case after case, and says how each ended. A case is
// made from the seed, the format and its number alone. fuzz.mjs bundles it, and ends it where a case takes too long.
import { parentPort, workerData } from 'node:worker_threads';
import { printableLine } from '../../cli/printable.ts';
import { UserError } from '../../engine/user_error.ts';
import { hashText } from '../../engine/random.ts';
import { uniform } from '../random.ts';
import { FORMATS } from './formats.ts';
import { mutated } from './mutate.ts';

export interface Job {
  readonly format: string;
  readonly seed: number;
  /** The numbers of the cases. */
  readonly from: number;
  readonly to: number;
  /** An empty folder for the files. */
  readonly folder: string;
}

/** What is said of a case: that it begins, and how it ended; the sentence of one that is a finding. */
export type Said =
  | { readonly begun: number; readonly how: string }
  | { readonly ended: number; readonly refused: boolean; readonly finding?: string };

/** A sentence for a person, as the command line prints it: one line, and no word that only a program can have meant. */
const isSentence = (message: string): boolean =>
  /^[^\n]{1,30000}$/.test(printableLine(message)) && !/\bundefined\b|\[object /.test(message);

const { format, seed, from, to, folder } = workerData as Job;
const { sound, read } = FORMATS[format];
// Copies: what is a Buffer would be cut, and not copied, by its slice.
const files = (await sound()).map((bytes) => new Uint8Array(bytes));
if (from === 0) for (const bytes of files) await read(bytes, folder); // Sound files are accepted.
const say = (said: Said) => parentPort!.postMessage(said);
for (let number = from; number < to; number++) {
  const random = uniform(hashText(`${seed} ${format} ${number}`));
  const { bytes, how } = mutated(files, (n) => Math.floor(random() * n));
  say({ begun: number, how });
  try {
    await read(bytes, folder);
    say({ ended: number, refused: false });
  } catch (error) {
    const { message, stack } = error as Error;
    const finding = !(error instanceof UserError)
      ? (stack ?? String(error))
      : isSentence(message)
        ? undefined
        : message;
    say({ ended: number, refused: true, finding });
  }
}

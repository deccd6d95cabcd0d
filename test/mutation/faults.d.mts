/** A slip that type-checks, and the tests that are to notice it. */
export interface Fault {
  /** The file of faults it stands in. */
  readonly room: string;
  /** What the score is counted by. */
  readonly area: string;
  /** The source file, and the text in it, which occurs once, to be replaced. */
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
  /** Test files, the quickest first. */
  readonly tests: readonly string[];
  /** Only tests whose names match this pattern (vitest's -t). */
  readonly grep?: string;
  /** False where `grep` leaves none of the tests that open a GPU device. */
  readonly gpu?: false;
}
export function readFaults(): Fault[];

/** Where long work says how far it is: a bar, lines, or nothing. */
export interface Progress {
  /** Begins a piece of work of `total` items, of which `done` are done already. */
  start(title: string, total: number, done?: number): void;
  /** `done` items are done; further figures to show beside the bar. */
  tick(done: number, figures?: Readonly<Record<string, string>>): void;
  end(): void;
  /** A line that stays. */
  line(text: string): void;
}

export const SILENT: Progress = { start() {}, tick() {}, end() {}, line() {} };

/**
 * Work that was begun and whose end is not waited for at once: at most so many pieces run ahead of the one that is
 * settled, in the order in which they were added.
 */
export class Ahead<T> {
  private readonly begun: T[] = [];

  /** @param most pieces that may be under way when `add` returns */
  constructor(
    private readonly most: number,
    private readonly settle: (piece: T) => Promise<void>,
  ) {}

  async add(piece: T): Promise<void> {
    this.begun.push(piece);
    while (this.begun.length > this.most) await this.settle(this.begun.shift()!);
  }

  /** Settles all that is under way. */
  async drain(): Promise<void> {
    while (this.begun.length > 0) await this.settle(this.begun.shift()!);
  }
}

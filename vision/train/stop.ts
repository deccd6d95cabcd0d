/** What a training throws that was asked to stop and has saved where it stands. */
export class Stopped extends Error {
  override readonly name = 'Stopped';

  constructor() {
    super('stopped where it was asked to, with a checkpoint');
  }
}

/** How a training is asked to stop. It looks between two steps; elsewhere nothing would be lost by ending at once. */
export class StopRequest {
  private wanted = false;
  private stepping: Promise<void> | undefined;

  get asked(): boolean {
    return this.wanted;
  }

  /** Asks; resolves once the training has saved where it stands, at once where it is not among its steps. */
  async ask(): Promise<void> {
    this.wanted = true;
    await this.stepping;
  }

  /** Does work that looks at `asked` again and again. */
  async among<T>(work: () => Promise<T>): Promise<T> {
    const done = work();
    this.stepping = done.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await done;
    } finally {
      this.stepping = undefined;
    }
  }
}

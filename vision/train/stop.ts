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
  private stepping: Promise<boolean> | undefined;

  get asked(): boolean {
    return this.wanted;
  }

  /**
   * Asks; resolves once the training has saved where it stands, at once where it is not among its steps. Says whether
   * it saved.
   */
  async ask(): Promise<boolean> {
    this.wanted = true;
    return (await this.stepping) ?? false;
  }

  /** Does work that looks at `asked` again and again. */
  async among<T>(work: () => Promise<T>): Promise<T> {
    const done = work();
    this.stepping = done.then(
      () => true,
      (error) => error instanceof Stopped,
    );
    try {
      return await done;
    } finally {
      this.stepping = undefined;
    }
  }
}

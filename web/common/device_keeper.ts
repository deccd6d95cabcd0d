import { openDevice, type Device } from '../../engine/device/device.ts';

/** What a worker tells its page of the device: first `ready` or `absent`; after `lost`, `ready` or `failed`. */
export type DeviceNews =
  | { readonly state: 'ready'; readonly adapter: string; readonly software: boolean }
  | { readonly state: 'lost' | 'failed' | 'absent'; readonly why: string };

interface Session<T> {
  readonly device: Device;
  readonly built: T;
}

/** Times that a piece of work is begun before the loss of its device is the caller's affair. */
const ATTEMPTS = 3;
/** A loss rejects what waits for the device a little before it is told as one. */
const LOSS_IS_TOLD_WITHIN_MS = 100;

/**
 * A device that comes back. GPUs are lost to driver updates, to sleep and to other programs; what was on them is gone,
 * so whoever computes keeps what counts (weights, moments) in plain arrays too, and makes the rest anew from them.
 *
 * `T` is what lives on the device: made by `build` for the first device and for each that follows, and disposed before
 * it.
 */
export class DeviceKeeper<T extends Disposable> {
  private session: Promise<Session<T>> | undefined;
  private isFirst = true;

  constructor(
    private readonly build: (device: Device) => Promise<T>,
    private readonly tell: (news: DeviceNews) => void = () => {},
    private readonly open: () => Promise<Device> = openDevice,
  ) {}

  private start(): Promise<Session<T>> {
    if (this.session) return this.session;
    const session = this.begin();
    this.session = session;
    session.then(
      ({ device }) =>
        device.lost.then((why) => {
          if (this.session !== session) return; // closed on purpose
          this.session = undefined;
          this.tell({ state: 'lost', why });
          // Made anew at once: the page need not ask.
          this.start().catch((error: Error) => this.tell({ state: 'failed', why: error.message }));
        }),
      () => {
        if (this.session === session) this.session = undefined; // the next call tries again
      },
    );
    return session;
  }

  private async begin(): Promise<Session<T>> {
    const device = await this.open().catch((error: Error) => {
      if (this.isFirst) this.tell({ state: 'absent', why: error.message });
      throw error;
    });
    this.isFirst = false;
    try {
      const built = await this.build(device);
      this.tell({ state: 'ready', adapter: device.adapter.description, software: device.adapter.software });
      return { device, built };
    } catch (error) {
      device[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Does something on the device; where that is lost meanwhile, once more on the next one. So `work` must begin from
   * what is kept in arrays, or from what `build` made.
   */
  async use<R>(work: (built: T, device: Device) => Promise<R>): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      const { device, built } = await this.start();
      try {
        return await work(built, device);
      } catch (error) {
        const notLost = new Promise<false>((resolve) => setTimeout(resolve, LOSS_IS_TOLD_WITHIN_MS, false));
        const lost = await Promise.race([device.lost.then(() => true), notLost]);
        if (!lost || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Loses the device on purpose, to see it come back. */
  async lose(): Promise<void> {
    const { device } = await this.start();
    device[Symbol.dispose]();
  }

  /** Closes the device and what was built on it; both are made anew at the next `use`: for another network. */
  async close(): Promise<void> {
    const session = this.session;
    this.session = undefined;
    const open = await session?.catch(() => undefined);
    open?.built[Symbol.dispose]();
    open?.device[Symbol.dispose]();
  }
}

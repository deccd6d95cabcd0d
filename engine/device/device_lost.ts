/**
 * The GPU went away: its driver was updated or crashed, a laptop slept, another program hung it. What was made on the
 * device is gone; open another and make it anew. The message says why, as far as WebGPU knows.
 */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError';

  constructor(reason: string, options?: ErrorOptions) {
    super(`the GPU was lost: ${reason}`, options);
  }
}

/**
 * Waits this long are asked about at every turn of the event loop, in milliseconds: what is answered late is late by a
 * sixteenth at most.
 */
const EAGER = 16;

/** The binding asks by a native function without a name; what else is put off so is JavaScript. */
const isBindings = (work: { readonly name: string }): boolean =>
  work.name === '' && Function.prototype.toString.call(work).includes('[native code]');

let installed = false;

/**
 * Dawn's binding for Node asks whether the GPU is done at every turn of the event loop, by `setImmediate`: a whole
 * processor for as long as anything is waited for. A software adapter does its work on the processors (a training step
 * of EfficientNet-B0 took 1.8 times as long on two of them), and beside a GPU images are decoded there. From here on
 * the binding asks once a millisecond after it has waited for a while; other callers of `setImmediate` see no
 * difference.
 */
export function pollPatiently(): void {
  if (installed) return;
  installed = true;
  const immediate = globalThis.setImmediate;
  let [begun, isAsking] = [0, false];
  const patient = (work: () => void, ...values: []): unknown => {
    if (!isBindings(work)) return immediate(work, ...values);
    // It goes on asking from where it asks; from elsewhere, something new is waited for.
    if (!isAsking) begun = performance.now();
    const ask = () => {
      isAsking = true;
      try {
        work();
      } finally {
        isAsking = false;
      }
    };
    return performance.now() - begun > EAGER ? setTimeout(ask, 1) : immediate(ask);
  };
  globalThis.setImmediate = Object.assign(patient, immediate) as unknown as typeof setImmediate;
}

// Dawn's binding for Node asks whether its work is done at every turn of the event loop: a whole processor, of which the software adapters that
// do the work could make use. Here it asks for a millisecond as before, and once a millisecond then. For the tests, and by NODE_OPTIONS for the
// commands that they start.
const [immediate, timeout] = [globalThis.setImmediate, globalThis.setTimeout];

/** The binding asks by a native function without a name; what else is put off so is JavaScript. */
const isBindings = (work) => work.name === '' && Function.prototype.toString.call(work).includes('[native code]');

let [begun, isAsking] = [0, false];
globalThis.setImmediate = Object.assign((work, ...values) => {
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
  return performance.now() - begun > 1 ? timeout(ask, 1) : immediate(ask);
}, immediate);

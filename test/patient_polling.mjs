// Dawn's binding for Node asks whether its work is done at every turn of the event loop: a whole processor, of which the software adapters that
// do the work could make use. Here it asks for a millisecond as before, and once a millisecond then. For the tests, and by NODE_OPTIONS for the
// commands that they start.
const [immediate, timeout] = [globalThis.setImmediate, globalThis.setTimeout];

/** The binding asks by a native function without a name; what else is put off so is JavaScript. */
const isBindings = (work) => work.name === '' && Function.prototype.toString.call(work).includes('[native code]');

let [begun, asked] = [0, 0];
globalThis.setImmediate = Object.assign((work, ...values) => {
  if (!isBindings(work)) return immediate(work, ...values);
  const now = performance.now();
  // Who has not asked for longer than a timer takes waits for something else.
  if (now - asked > 5) begun = now;
  asked = now;
  return now - begun > 1 ? timeout(work, 1) : immediate(work);
}, immediate);

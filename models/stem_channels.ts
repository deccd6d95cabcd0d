/**
 * The filter of a first layer for images of another number of channels: one channel is repeated, each time in its
 * share, so that a grey image gives what it gave; red, green and blue are summed for one channel, and repeated in their
 * order, in proportion, for more than three (as timm's adapt_input_conv does).
 * @param w [r, s, from, k]
 * @param from channels that it has: 1 or 3
 * @param to channels that are wanted
 * @returns [r, s, to, k]; null where it cannot be made
 */
export function adaptStem(w: Float32Array, from: number, to: number, k: number): Float32Array | null {
  const sums = to === 1;
  if (from !== 1 && !(from === 3 && (sums || to > 3))) return null;
  const places = w.length / (from * k);
  const out = new Float32Array(places * to * k);
  for (let place = 0; place < places; place++)
    for (let ki = 0; ki < k; ki++)
      for (let c = 0; c < (sums ? from : to); c++) {
        const value = w[(place * from + (c % from)) * k + ki];
        if (sums) out[place * k + ki] += value;
        else out[(place * to + c) * k + ki] = (value * from) / to;
      }
  return out;
}

/** The nearest f16 number, ties to even; infinite beyond 65504 as IEEE 754 rounds. */
export function roundToHalf(v: number): number {
  if (!Number.isFinite(v) || v === 0) return v;
  // Multiples of the last bit's value: 10 bits below the leading one, 2^-24 among the subnormal numbers.
  const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(v))), -14) - 10);
  const scaled = v / unit;
  const down = Math.floor(scaled);
  const rounded = scaled - down === 0.5 ? down + (down % 2 === 0 ? 0 : 1) : Math.round(scaled);
  return Math.abs(rounded * unit) > 65504 ? Math.sign(v) * Infinity : rounded * unit;
}

/** What rounding a number to f16 changes at most. */
export const halfBound = (magnitude: number): number => magnitude * 2 ** -11 + 2 ** -25;

// log(v): -Infinity for 0 and NaN for what is negative or NaN, which WGSL leaves open. Numbers below the smallest
// normal one are taken times 2^24, because a logarithm that reads the exponent from the bits is wrong for them.
//
// The bits of ±0 become those of -Infinity, and those of a negative number or a NaN become those of a NaN.
fn logarithm(v: Value) -> Value {
  let tiny = v < Value(1.1754944e-38);
  let scaled = select(v, v * 16777216.0, tiny);
  let log_v = log(scaled) - select(Value(0.0), Value(16.635532), tiny); // 24·log 2
  let zero = bitcast<Value>(bitcast<Bits>(scaled) | Bits(0xff800000u));
  let undefined = bitcast<Value>(bitcast<Bits>(v) | Bits(0x7fc00000u));
  let defined = select(log_v, zero, scaled == Value(0.0));
  return if_nan(v, v, select(defined, undefined, scaled < Value(0.0)));
}

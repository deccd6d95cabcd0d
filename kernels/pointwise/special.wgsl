// Pointwise functions that take many operations, by their numbers in POINTWISE: only the pipelines that need one
// compile them (SPECIAL in ops.wgsl). Each is good to a few units in the last place, or as good as `exp` is.

// 2·artanh(f) for |f| < 0.172, by its series: f = (x − 1)/(x + 1) makes it log x, f = x/(2 + x) log(1 + x).
fn twice_artanh(f: Value) -> Value {
  let z = f * f;
  return 2.0 * f + 2.0 * f * (z * (0.33333333 + z * (0.2 + z * (0.14285714 + z * 0.11111111))));
}

// log(1 + v).
fn log_of_one_plus(v: Value) -> Value {
  let near = (v > Value(-0.29)) & (v < Value(0.41));
  return if_nan(v, v, select(logarithm(1.0 + v), twice_artanh(v / (2.0 + v)), near));
}

// exp(v) − 1: near 0 by its series.
fn exponential_less_one(v: Value) -> Value {
  let tail = v * (0.041666667 + v * (0.0083333333 + v * (0.0013888889 + v * (1.9841270e-4 + v * 2.4801587e-5))));
  let near = v + v * (v * (0.5 + v * (0.16666667 + tail)));
  return if_nan(v, v, select(exponential(v) - 1.0, near, abs(v) < Value(0.5)));
}

// log2 of what is not negative: -Infinity for 0, Infinity for Infinity. v = m·2^e with m from √½ to √2, so that nothing
// is lost near 1, where WGSL allows `log2` an error of 2^-21. Numbers below the smallest normal one are taken times
// 2^24.
fn binary_logarithm(v: Value) -> Value {
  let tiny = v < Value(1.1754944e-38);
  let scaled = select(v, v * 16777216.0, tiny);
  let bits = bitcast<Bits>(scaled) + Bits(0x004afb0du);
  let m = bitcast<Value>((bits & Bits(0x007fffffu)) + Bits(0x3f3504f3u));
  let e = Value(bits >> Bits(23u)) - 127.0 - select(Value(0.0), Value(24.0), tiny);
  let logarithm = e + twice_artanh((m - 1.0) / (m + 1.0)) * 1.4426950;
  var infinity = Bits(0x7f800000u); // a variable: WGSL has no constant Infinity
  let infinite = select(logarithm, bitcast<Value>(infinity), bitcast<Bits>(v) == Bits(0x7f800000u));
  return select(infinite, -bitcast<Value>(infinity), scaled == Value(0.0));
}

// v to the power s as C's pow: 1 for s = 0 and for v = 1 even beside a NaN; of negative v NaN unless s is whole.
fn power(v: Value, s: Value) -> Value {
  let size = abs(v);
  let exponent = clamp(s * binary_logarithm(size), Value(-300.0), Value(300.0));
  let magnitude = select(exp2(exponent), Value(1.0), size == Value(1.0));
  let negative = (bitcast<Bits>(v) & Bits(0x80000000u)) != Bits(0u);
  let whole = trunc(s) == s; // as is every number from 2^23 on, and from 2^24 on it is even
  let odd = whole & (abs(s) < Value(16777216.0)) & (fract(abs(s) * 0.5) != Value(0.0));
  let signed = select(magnitude, -magnitude, negative & odd);
  let undefined = bitcast<Value>(bitcast<Bits>(v) | Bits(0x7fc00000u));
  let finite = (size > Value(0.0)) & (bitcast<Bits>(size) < Bits(0x7f800000u));
  let defined = select(signed, undefined, negative & finite & !whole);
  return select(if_nan(v, v, if_nan(s, s, defined)), Value(1.0), (s == Value(0.0)) | (v == Value(1.0)));
}

// erf(v) / v as a polynomial in z = v², for |v| < 1; it and those below are of Cephes's ndtrf.c (Moshier 1992).
fn erf_slope(z: Value) -> Value {
  let p = (7.853861353e-5 * z - 8.010193625e-4) * z + 5.188327686e-3;
  return (((p * z - 2.685381193e-2) * z + 1.128358515e-1) * z - 3.761262582e-1) * z + 1.128379167;
}

// 1 − erf(a) for a >= 0, given exp(−a²), to a few parts of itself.
fn erf_tail(a: Value, exponential: Value) -> Value {
  let q = 1.0 / max(a, Value(1.0));
  let y = q * q;
  let low = (((2.326819970e-2 * y - 1.387039389e-1) * y + 3.687424674e-1) * y - 5.824733027e-1) * y + 6.210004622e-1;
  let middle = (((low * y - 4.944515323e-1) * y + 3.404879938e-1) * y - 2.741127028e-1) * y + 5.638259427e-1;
  let high = (((-1.047766400e+1 * y + 1.297719955e+1) * y - 7.495518718) * y + 2.921019019) * y - 1.015265279;
  let far = ((high * y + 4.218463358e-1) * y - 2.820767440e-1) * y + 5.641895068e-1;
  let beyond = exponential * q * select(far, middle, a < Value(2.0));
  return select(beyond, 1.0 - a * erf_slope(a * a), a < Value(1.0));
}

fn error_function(v: Value) -> Value {
  let far = 1.0 - erf_tail(abs(v), exp(-v * v));
  let near = abs(v) < Value(1.0);
  return if_nan(v, v, select(select(far, -far, v < Value(0.0)), v * erf_slope(v * v), near));
}

// Φ(v), the part of a normal distribution below v, given exp(−v²/2).
fn normal_below(v: Value, exponential: Value) -> Value {
  let tail = 0.5 * erf_tail(abs(v) * 0.70710678, exponential);
  return select(tail, 1.0 - tail, v > Value(0.0));
}

fn special_function(op: u32, v: Value, s: Value) -> Value {
  switch (op) {
    case 34u: { return exponential_less_one(v); }
    case 35u: { return log_of_one_plus(v); }
    case 36u: { return error_function(v); }
    case 37u: { return power(v, s); }
    case 38u: { return if_nan(v, v, v * normal_below(v, exp(-0.5 * v * v))); }
    case 39u: { let e = exp(-0.5 * s * s); return v * if_nan(s, s, normal_below(s, e) + s * e * 0.39894228); }
    case 42u: { return if_nan(v, v, positive_part(v) + log_of_one_plus(exp(-abs(v)))); }
    default: { return common_function(op, v, s); }
  }
}

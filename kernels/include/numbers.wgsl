// NaN and infinity where WGSL leaves them open. It lets a compiler assume that neither happens, so `max` and
// comparisons may lose a NaN, and `exp`, `log` and `tanh` are good for a part of the numbers only. What is decided here
// is decided on bits. A file that includes this declares `alias Bits`, u32 for each f32 of its Value (`specialise`
// keeps them alike).

// `yes` where v is NaN, else `no`.
fn if_nan(v: Value, yes: Value, no: Value) -> Value {
  return select(no, yes, (bitcast<Bits>(v) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}

// The larger and the smaller of two, NaN where one of them is.
fn larger(v: Value, s: Value) -> Value {
  return if_nan(v, v, if_nan(s, s, max(v, s)));
}

fn smaller(v: Value, s: Value) -> Value {
  return if_nan(v, v, if_nan(s, s, min(v, s)));
}

// max(v, 0), NaN where v is: the bits of negative numbers run from 0x80000000 (-0) to 0xff800000 (-Infinity), those of
// a NaN with a sign lie behind.
fn positive_part(v: Value) -> Value {
  return select(v, Value(0.0), bitcast<Bits>(v) - Bits(0x80000000u) <= Bits(0x7f800000u));
}

// v where s is positive or NaN, else 0.
fn where_positive(v: Value, s: Value) -> Value {
  return if_nan(s, v, select(Value(0.0), v, s > Value(0.0)));
}

// exp(v), NaN where v is.
fn exponential(v: Value) -> Value {
  return if_nan(v, v, exp(v));
}

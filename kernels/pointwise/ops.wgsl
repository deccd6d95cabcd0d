// All pointwise functions by number (POINTWISE in pointwise.ts names them): those of functions.wgsl and special.wgsl,
// and the others. Used with a constant `op`, so that only one case remains after compilation.
override SPECIAL: u32 = 0; // 1 where a stage is one of special.wgsl

//!include functions.wgsl
//!include ../include/logarithm.wgsl
//!include special.wgsl

// tanh(v) to a few units in the last place, where WGSL promises 1e-5 and one driver gives NaN from 88.7 on. Near 0 the
// polynomial of Cephes's tanhf (Moshier 1992), elsewhere 1 − 2/(e²ᵃ + 1), whose a is bounded so that nothing overflows.
fn hyperbolic_tangent(v: Value) -> Value {
  let z = v * v;
  let p = (((Value(-5.70498872745e-3) * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z;
  let near = v + v * (z * (p - 3.33332819422e-1));
  let far = 1.0 - 2.0 / (exp(2.0 * min(abs(v), Value(20.0))) + 1.0);
  return if_nan(v, v, select(select(far, -far, v < Value(0.0)), near, abs(v) < Value(0.625)));
}

fn pointwise(op: u32, v: Value, s: Value) -> Value {
  switch (op) {
    case 5u: { return v / s; }
    case 6u: { return s / v; }
    case 9u: { return exponential(v); }
    case 10u: { return logarithm(v); }
    case 11u: { return sqrt(v); }
    case 12u: { return v * v; }
    case 13u: { return abs(v); }
    case 15u: { return hyperbolic_tangent(v); }
    // Derivatives: v is the cotangent, s the primal (or, for sigmoid and tanh, the output).
    case 20u: { return v * s * (1.0 - s); }
    case 21u: { return v * (1.0 - s * s); }
    case 22u: { return v * if_nan(s, s, sign(s)); }
    // Indicators: 1 where it holds, else 0. A NaN is neither greater than a number nor equal to one.
    case 23u: { return if_nan(v, Value(0.0), if_nan(s, Value(0.0), select(Value(0.0), Value(1.0), v > s))); }
    case 24u: { return if_nan(v, Value(0.0), if_nan(s, Value(0.0), select(Value(0.0), Value(1.0), v >= s))); }
    // Whether the larger or the smaller of v and s is v: where they are equal it is, and a NaN is taken, v before s.
    case 25u: { return if_nan(v, Value(1.0), if_nan(s, Value(0.0), select(Value(0.0), Value(1.0), v >= s))); }
    case 26u: { return if_nan(v, Value(1.0), if_nan(s, Value(0.0), select(Value(0.0), Value(1.0), v <= s))); }
    case 27u: { return if_nan(v, Value(0.0), if_nan(s, Value(0.0), select(Value(0.0), Value(1.0), v < s))); }
    case 28u: { return if_nan(v, Value(0.0), if_nan(s, Value(0.0), select(Value(0.0), Value(1.0), v <= s))); }
    case 29u: { return if_nan(v, Value(0.0), if_nan(s, Value(0.0), select(Value(0.0), Value(1.0), v == s))); }
    case 30u: { return if_nan(v, v, floor(v)); }
    case 31u: { return if_nan(v, v, ceil(v)); }
    case 32u: { return if_nan(v, v, round(v)); } // a half to the even neighbour
    case 33u: { return if_nan(v, v, sign(v)); }
    case 40u: { return v * (smaller(positive_part(v + 3.0), Value(6.0)) * 0.16666667); }
    case 41u: {
      let inside = select(Value(0.0), s * 0.33333333 + 0.5, s > Value(-3.0));
      return v * if_nan(s, s, select(inside, Value(1.0), s >= Value(3.0)));
    }
    // v where s is neither positive nor NaN, else 0: what where_positive leaves out.
    case 43u: { return if_nan(s, Value(0.0), select(v, Value(0.0), s > Value(0.0))); }
    default: {
      if (SPECIAL == 1u) {
        return special_function(op, v, s);
      }
      return common_function(op, v, s);
    }
  }
}

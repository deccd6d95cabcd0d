// All pointwise functions by number (POINTWISE in pointwise.ts names them): those of functions.wgsl and the others.
// Used with a constant `op`, so that only one case remains after compilation.
//!include functions.wgsl

fn pointwise(op: u32, v: Value, s: Value) -> Value {
  switch (op) {
    case 5u: { return v / s; }
    case 6u: { return s / v; }
    case 9u: { return exp(v); }
    case 10u: { return log(v); }
    case 11u: { return sqrt(v); }
    case 12u: { return v * v; }
    case 13u: { return abs(v); }
    case 15u: { return tanh(v); }
    // Derivatives: v is the cotangent, s the primal (or, for sigmoid and tanh, the output).
    case 18u: { return select(Value(0.0), v, s > Value(0.0)); }
    case 19u: { let g = sigmoid(s); return v * g * (1.0 + s * (1.0 - g)); }
    case 20u: { return v * s * (1.0 - s); }
    case 21u: { return v * (1.0 - s * s); }
    case 22u: { return v * sign(s); }
    // Indicators: 1 where it holds, else 0.
    case 23u: { return select(Value(0.0), Value(1.0), v > s); }
    case 24u: { return select(Value(0.0), Value(1.0), v >= s); }
    default: { return common_function(op, v, s); }
  }
}

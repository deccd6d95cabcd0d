// The pointwise functions by number (POINTWISE in pointwise.ts names them). `v` is the value that flows through a chain,
// `s` the stage's second operand. Used with a constant `op`, so that only one case remains after compilation.
fn sigmoid(v: Value) -> Value {
  return 1.0 / (1.0 + exp(-v));
}

fn pointwise(op: u32, v: Value, s: Value) -> Value {
  switch (op) {
    case 1u: { return v + s; }
    case 2u: { return v - s; }
    case 3u: { return s - v; }
    case 4u: { return v * s; }
    case 5u: { return v / s; }
    case 6u: { return s / v; }
    case 7u: { return max(v, s); }
    case 8u: { return min(v, s); }
    case 9u: { return exp(v); }
    case 10u: { return log(v); }
    case 11u: { return sqrt(v); }
    case 12u: { return v * v; }
    case 13u: { return abs(v); }
    case 14u: { return sigmoid(v); }
    case 15u: { return tanh(v); }
    case 16u: { return max(v, Value(0.0)); }
    case 17u: { return v * sigmoid(v); }
    // Derivatives: v is the cotangent, s the primal (or, for sigmoid and tanh, the output).
    case 18u: { return select(Value(0.0), v, s > Value(0.0)); }
    case 19u: { let g = sigmoid(s); return v * g * (1.0 + s * (1.0 - g)); }
    case 20u: { return v * s * (1.0 - s); }
    case 21u: { return v * (1.0 - s * s); }
    case 22u: { return v * sign(s); }
    // Indicators: 1 where it holds, else 0.
    case 23u: { return select(Value(0.0), Value(1.0), v > s); }
    case 24u: { return select(Value(0.0), Value(1.0), v >= s); }
    default: { return v; }
  }
}

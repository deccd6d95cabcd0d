// The pointwise functions that follow products in networks and in their gradients, by their numbers in POINTWISE of
// pointwise.ts: `v` is the value that flows through a chain, `s` the stage's second operand. All that an epilogue has
// (EPILOGUE_OPS of kernels/epilogue/epilogue.ts): all others would be compiled 64 times into each pipeline of a
// product, once for every stage and vector of a thread's block, before a driver can drop what the overrides leave out:
// three times as long a start-up.
//!include ../include/numbers.wgsl

fn sigmoid(v: Value) -> Value {
  return if_nan(v, v, 1.0 / (1.0 + exp(-v)));
}

fn common_function(op: u32, v: Value, s: Value) -> Value {
  switch (op) {
    case 1u: { return v + s; }
    case 2u: { return v - s; }
    case 3u: { return s - v; }
    case 4u: { return v * s; }
    case 7u: { return larger(v, s); }
    case 8u: { return smaller(v, s); }
    case 14u: { return sigmoid(v); }
    case 16u: { return positive_part(v); }
    case 17u: { return v / (1.0 + exp(-v)); }
    // Derivatives of relu and silu: v is the cotangent, s the primal.
    case 18u: { return where_positive(v, s); }
    case 19u: { let g = sigmoid(s); return v * g * (1.0 + s * (1.0 - g)); }
    default: { return v; }
  }
}

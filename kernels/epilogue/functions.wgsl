// The functions of an epilogue's stages, by their numbers in POINTWISE of kernels/pointwise/pointwise.ts: those that follow a convolution
// in networks (EPILOGUE_OPS of epilogue.ts). All 24 of pointwise.wgsl would be compiled 64 times into each pipeline of a product, once for
// every stage and vector of a thread's block, before a driver can drop what the overrides leave out: three times as long a start-up.
fn epilogue_function(op: u32, v: Value, s: Value) -> Value {
  switch (op) {
    case 1u: { return v + s; }
    case 2u: { return v - s; }
    case 3u: { return s - v; }
    case 4u: { return v * s; }
    case 7u: { return max(v, s); }
    case 8u: { return min(v, s); }
    case 14u: { return 1.0 / (1.0 + exp(-v)); }
    case 16u: { return max(v, Value(0.0)); }
    default: { return v / (1.0 + exp(-v)); }
  }
}

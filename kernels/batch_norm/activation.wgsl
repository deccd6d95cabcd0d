// The activation that is fused with batch norm: y = activate(z), and its derivative with respect to z.
//!include ../include/numbers.wgsl

override ACTIVATION: u32 = 0; // 0 none · 1 relu · 2 silu

fn activate(z: Value) -> Value {
  if (ACTIVATION == 1u) {
    return positive_part(z);
  }
  if (ACTIVATION == 2u) {
    return z / (1.0 + exp(-z));
  }
  return z;
}

fn activate_grad(z: Value) -> Value {
  if (ACTIVATION == 1u) {
    return where_positive(Value(1.0), z);
  }
  if (ACTIVATION == 2u) {
    let g = 1.0 / (1.0 + exp(-z));
    return g * (1.0 + z * (1.0 - g));
  }
  return Value(1.0);
}

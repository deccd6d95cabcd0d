// The activation that is fused with batch norm: y = activate(z), and its derivative with respect to z.
override ACTIVATION: u32 = 0; // 0 none · 1 relu · 2 silu

fn activate(z: Value) -> Value {
  if (ACTIVATION == 1u) {
    return max(z, Value(0.0));
  }
  if (ACTIVATION == 2u) {
    return z / (1.0 + exp(-z));
  }
  return z;
}

fn activate_grad(z: Value) -> Value {
  if (ACTIVATION == 1u) {
    return select(Value(0.0), Value(1.0), z > Value(0.0));
  }
  if (ACTIVATION == 2u) {
    let g = 1.0 / (1.0 + exp(-z));
    return g * (1.0 + z * (1.0 - g));
  }
  return Value(1.0);
}

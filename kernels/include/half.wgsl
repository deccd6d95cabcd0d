// What a kernel whose output may be stored as f16 does to a result before the conversion. Beyond f16's largest number,
// 65504, WGSL leaves the conversion to the rounding mode and lets a compiler assume that there is no infinity; every
// GPU converts an infinity to infinity. So what is too large becomes one first, and training finds it in the gradients.
// With f32 storage nothing is done: the constant decides it.
const STORES_HALF = 0; // rewritten by storedAsHalf of kernel.ts

fn storable(v: Value) -> Value {
  if (STORES_HALF == 0) {
    return v;
  }
  return select(v, v * 3.0e38, abs(v) > Value(65504.0));
}

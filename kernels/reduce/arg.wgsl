// out[o, i] = the r for which x[o, r, i] is the largest (SIGN 1) or the smallest (SIGN −1); x is [outer, length, inner]
//
// Of equals the first, or with LAST the last. A NaN is larger, and smaller, than every number.
// A thread owns one Value of indices.
alias Value = vec4<f32>; // four neighbours along the inner dimension, or one element where 4 does not divide it
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it, and an index for each
alias X = Value; // how it is stored: Values, or as f16

override SIGN: f32 = 1.0;
override LAST: u32 = 0u;

struct Params {
  outer: u32,
  length: u32,
  inner: u32, // in Values
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Bits>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/numbers.wgsl

// 1 where `value`, which comes later, is taken rather than the best so far, else 0.
fn beats(value: Value, best: Value) -> Value {
  let equal = Value(f32(LAST));
  let number = select(select(Value(0.0), equal, value == best), Value(1.0), value > best);
  return if_nan(best, if_nan(value, equal, Value(0.0)), if_nan(value, Value(1.0), number));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.outer * params.inner) {
    return;
  }
  let first = t / params.inner * params.length * params.inner + t % params.inner;
  var best = Value(x[first]) * SIGN;
  var index = Bits(0u);
  for (var r = 1u; r < params.length; r++) {
    let value = Value(x[first + r * params.inner]) * SIGN;
    let taken = beats(value, best) > Value(0.0);
    best = select(best, value, taken);
    index = select(index, Bits(r), taken);
  }
  out[t] = index;
}

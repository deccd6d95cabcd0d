// out[o, p, i] = the largest, the smallest or the product of x[o, p + k·parts, i]
// x is [outer, length, inner], out [outer, parts, inner]. A NaN wins.
//
// What reduce.wgsl does with another way to make one number of two. A thread owns one output Value.
alias Value = vec4<f32>; // four neighbours along the inner dimension, or one element where 4 does not divide it
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include params.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ../include/numbers.wgsl
//!include fold_two.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.outer * params.parts * params.inner) {
    return;
  }
  let i = t % params.inner;
  let part = t / params.inner % params.parts;
  let o = t / params.inner / params.parts;
  var folded = neutral();
  for (var r = part; r < params.length; r += params.parts) {
    folded = fold_two(folded, Value(x[(o * params.length + r) * params.inner + i]));
  }
  out[t] = Out(storable(folded));
}

// out[o, p, i] = scale · Σ_k x[o, p + k·parts, i]      x is [outer, length, inner], out [outer, parts, inner]
//
// Sums a middle dimension. With parts > 1 this is the first of several passes; strided parts keep neighbouring threads
// on neighbouring elements even when inner is 1. Fixed order, no atomics: the same bits in every run.
// A thread owns one output Value.
alias Value = vec4<f32>; // four neighbours along the inner dimension, or one element where 4 does not divide it
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include params.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

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
  var sum = Value(0.0);
  for (var r = part; r < params.length; r += params.parts) {
    sum += Value(x[(o * params.length + r) * params.inner + i]);
  }
  out[t] = Out(storable(sum * params.scale));
}

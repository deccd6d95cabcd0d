// out[o, p, i] = scale · Σ_k x[o, p + k·parts, i]·y[o, p + k·parts, i]
// x and y are [outer, length, inner], out [outer, parts, inner].
//
// What reduce.wgsl does with a product that is written nowhere: the gradient of a factor that was repeated. Further
// passes are reduce.wgsl's. A thread owns one output Value.
alias Value = vec4<f32>; // four neighbours along the inner dimension, or one element where 4 does not divide it
alias X = Value; // how these are stored: Values, or as f16
alias Y = Value;
alias Out = Value;

//!include params.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> y: array<Y>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

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
    let at = (o * params.length + r) * params.inner + i;
    sum += Value(x[at]) * Value(y[at]);
  }
  out[t] = Out(storable(sum * params.scale));
}

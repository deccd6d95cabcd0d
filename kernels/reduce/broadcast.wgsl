// out[o, r, i] = scale · x[o, i]      out is [outer, length, inner]: the adjoint of reduce.wgsl
// A thread owns one output element.
alias Value = f32;
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

struct Params {
  outer: u32,
  length: u32,
  inner: u32,
  scale: f32,
}

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
  if (t >= params.outer * params.length * params.inner) {
    return;
  }
  let o = t / params.inner / params.length;
  out[t] = Out(storable(params.scale * Value(x[o * params.inner + t % params.inner])));
}

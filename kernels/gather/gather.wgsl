// out[o, j, i] = x[o, indices[j], i], and NaN where x has no such entry
// A Value is four neighbours along i, or one. A thread owns one.
alias Value = vec4<f32>;
alias X = Value; // how each binding is stored: Values, or as f16
alias Out = Value;

struct Params {
  size: u32, // of out, in Values
  inner: u32, // values of i, in Values
  length: u32, // of the dimension of x that is gathered from
  count: u32, // of indices
  outside: f32, // NaN, which WGSL has no constant for
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
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
  if (t >= params.size) {
    return;
  }
  let row = t / params.inner;
  let i = t - row * params.inner;
  let o = row / params.count;
  let index = indices[row - o * params.count];
  var v = Value(params.outside);
  if (index < params.length) {
    v = Value(x[(o * params.length + index) * params.inner + i]);
  }
  out[t] = Out(storable(v));
}

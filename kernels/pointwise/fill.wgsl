// out[i] = value
// A Value is four neighbours, or one where 4 does not divide them. A thread owns one.
alias Value = vec4<f32>;
alias Out = Value; // how it is stored: Values, or as f16

struct Params {
  size: u32, // in Values
  value: f32,
}

@group(0) @binding(0) var<storage, read_write> out: array<Out>;
@group(0) @binding(1) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * 64u + lane;
  if (i < params.size) {
    out[i] = Out(storable(Value(params.value)));
  }
}

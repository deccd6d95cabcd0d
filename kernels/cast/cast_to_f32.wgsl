// out[i] = x[i], rounded where f32 has not all its digits
// A thread owns one element.
alias Value = f32;
alias Out = Value; // how it is stored: as f32, or as f16

struct Params {
  size: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
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
  if (t < params.size) {
    out[t] = Out(storable(Value(x[t])));
  }
}

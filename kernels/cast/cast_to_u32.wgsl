// out[i] = x[i] without its fraction; 0 of a negative number and of NaN, 2^32 − 1 of what is larger
// A thread owns one element.
alias Value = f32;
alias Bits = u32; // as include/numbers.wgsl wants it
alias X = Value; // how it is stored: as f32, or as f16

struct Params {
  size: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/numbers.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t < params.size) {
    let v = positive_part(if_nan(Value(x[t]), 0.0, Value(x[t])));
    out[t] = select(u32(min(v, 4294967040.0)), 0xffffffffu, v >= 4294967296.0);
  }
}

// out[o, m, i] = x[o, m, i] where x has such an element, else 0
// x is [outer, midIn, innerIn], out [outer, midOut, innerOut].
//
// Pads the two last dimensions with zeros to whole vec4s, and cuts them back. A thread owns one row (o, m) of the
// output.
alias Value = f32;
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

struct Params {
  rows: u32, // outer · midOut
  midIn: u32,
  midOut: u32,
  innerIn: u32,
  innerOut: u32,
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
  let row = flat_workgroup(group, groups) * 64u + lane;
  if (row >= params.rows) {
    return;
  }
  let m = row % params.midOut;
  let start = (row / params.midOut * params.midIn + m) * params.innerIn;
  let count = select(0u, min(params.innerIn, params.innerOut), m < params.midIn);
  for (var i = 0u; i < count; i++) {
    out[row * params.innerOut + i] = Out(storable(Value(x[start + i])));
  }
  for (var i = count; i < params.innerOut; i++) {
    out[row * params.innerOut + i] = Out(0.0);
  }
}

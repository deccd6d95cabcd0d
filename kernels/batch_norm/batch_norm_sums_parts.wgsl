// What batch_norm_sums.wgsl does, of a cotangent that a product left in parts: parts.wgsl adds them up. A thread owns
// what it does there.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how it is stored: Values, or as f16

struct Params {
  samples: u32,
  rows: u32,     // of a sample
  channels: u32, // in Values
  chunk: u32,
  parts: u32,    // of a sample
  epsilon: f32,
  pieces: u32,   // parts of the product
}

@group(0) @binding(0) var<storage, read> pieces: array<Value>;
@group(0) @binding(1) var<storage, read> residual: array<Residual>;
@group(0) @binding(2) var<storage, read_write> whole: array<Whole>;
@group(0) @binding(3) var<storage, read> x: array<X>;
@group(0) @binding(4) var<storage, read> stats: array<Value>;
@group(0) @binding(5) var<storage, read> gamma: array<Value>;
@group(0) @binding(6) var<storage, read> beta: array<Value>;
@group(0) @binding(7) var<storage, read_write> out: array<Value>;
@group(0) @binding(8) var<uniform> params: Params;

fn dy_at(i: u32) -> Value {
  return added_up(i);
}

//!include ../include/half.wgsl
//!include parts.wgsl
//!include sums.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  put_norm_sums(flat_workgroup(group, groups), lane);
}

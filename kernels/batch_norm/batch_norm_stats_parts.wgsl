// What batch_norm_stats.wgsl does, of an x that a product left in parts: parts.wgsl adds them up. A thread owns what it
// does there.
alias Value = vec4<f32>;

struct Params {
  samples: u32,
  rows: u32,     // of a sample
  channels: u32, // in Values
  chunk: u32,    // rows of a chunk
  parts: u32,    // chunks of a sample
  pieces: u32,   // parts of the product
}

@group(0) @binding(0) var<storage, read> pieces: array<Value>;
@group(0) @binding(1) var<storage, read> residual: array<Residual>;
@group(0) @binding(2) var<storage, read_write> whole: array<Whole>;
@group(0) @binding(3) var<storage, read_write> out: array<Value>;
@group(0) @binding(4) var<uniform> params: Params;

fn x_at(i: u32) -> Value {
  return added_up(i);
}

//!include ../include/half.wgsl
//!include parts.wgsl
//!include stats.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  put_statistics(flat_workgroup(group, groups), lane);
}

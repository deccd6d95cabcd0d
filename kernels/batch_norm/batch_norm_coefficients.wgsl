// out[0 .. 4, c] = mean[c], 1/√(variance[c] + ε), γ[c], β[c]      stats is [2, C]: mean, variance
//
// In one buffer, for a kernel that reads so much else that three would be too many: every adapter allows eight.
// A thread owns one Value of channels.
alias Value = vec4<f32>;

struct Params {
  channels: u32, // in Values
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> stats: array<Value>;
@group(0) @binding(1) var<storage, read> gamma: array<Value>;
@group(0) @binding(2) var<storage, read> beta: array<Value>;
@group(0) @binding(3) var<storage, read_write> out: array<Value>;
@group(0) @binding(4) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let c = flat_workgroup(group, groups) * 64u + lane;
  if (c >= params.channels) {
    return;
  }
  out[c] = stats[c];
  out[params.channels + c] = inverseSqrt(stats[params.channels + c] + params.epsilon);
  out[2u * params.channels + c] = gamma[c];
  out[3u * params.channels + c] = beta[c];
}

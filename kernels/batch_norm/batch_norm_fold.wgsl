// out[0, c] = γ[c] / √(variance[c] + ε), out[1, c] = β[c] − mean[c] · out[0, c]      stats is [2, C]: mean, variance
//
// Batch norm as one factor and one summand a channel, for the epilogue of the convolution before it. Where |mean| is
// much larger than the deviation, x · out[0] + out[1] loses the digits of their ratio that (x − mean) would have kept:
// inference alone, of trained networks, is folded.
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
  let scale = gamma[c] * inverseSqrt(stats[params.channels + c] + params.epsilon);
  out[c] = scale;
  out[params.channels + c] = beta[c] - stats[c] * scale;
}

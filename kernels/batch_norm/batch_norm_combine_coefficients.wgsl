// The last pass of batch_norm_combine.wgsl, and from what it makes also what batch_norm_coefficients.wgsl does:
//   out[0 .. 2, c] = mean[c], variance[c]      coefficients[0 .. 4, c] = mean[c], 1/√(variance[c] + ε), γ[c], β[c]
//
// A launch of its own for so few numbers costs more than they do. A thread owns one channel, or shares it.
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> beta: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<storage, read_write> coefficients: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

//!include combine.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let own = combined(flat_workgroup(group, groups), lane);
  if (own.wanted) {
    let c = params.channels;
    let i = own.channel;
    out[i] = own.mean;
    out[c + i] = own.squares;
    coefficients[i] = own.mean;
    coefficients[c + i] = inverseSqrt(own.squares + params.epsilon);
    coefficients[2u * c + i] = gamma[i];
    coefficients[3u * c + i] = beta[i];
  }
}

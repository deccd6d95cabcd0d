// dx[row, c] = γ[c]/√(variance[c] + ε) · (dz − (dβ[c] + x̂·dγ[c]) / rows)      sums is [2, C]: dγ, dβ
// with x̂, z and dz as in batch_norm_sums.wgsl
//
// Ioffe & Szegedy 2015, section 3, with the gradients through mean and variance gathered: both are sums that
// batch_norm_sums.wgsl has already made. With statistics that are not the batch's own, inverseCount = 0 leaves dx = γ/σ
// · dz. A thread owns a Value of channels in a chunk of rows (rows.wgsl).
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias Dy = Value; // how these are stored: Values, or as f16
alias X = Value;
alias Out = Value;

struct Params {
  samples: u32,
  rows: u32,     // of a sample
  channels: u32, // in Values
  chunk: u32,
  parts: u32,    // of a sample
  epsilon: f32,
  inverseCount: f32, // 1/rows, or 0
}

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read> stats: array<Value>;
@group(0) @binding(3) var<storage, read> sums: array<Value>;
@group(0) @binding(4) var<storage, read> gamma: array<Value>;
@group(0) @binding(5) var<storage, read> beta: array<Value>;
@group(0) @binding(6) var<storage, read_write> out: array<Out>;
@group(0) @binding(7) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include rows.wgsl
//!include activation.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let mine = share_of(flat_workgroup(group, groups) * 64u + lane);
  if (!mine.inside) {
    return;
  }
  let step = params.channels;
  let mean = stats[mine.channel];
  let inverse = inverseSqrt(stats[step + mine.channel] + params.epsilon);
  let g = gamma[mine.channel];
  let b = beta[mine.channel];
  let meanDzX = sums[mine.channel] * params.inverseCount;
  let meanDz = sums[step + mine.channel] * params.inverseCount;
  let scale = g * inverse;
  var i = mine.first * step + mine.channel;
  for (var row = mine.first; row < mine.end; row++) {
    let normal = (Value(x[i]) - mean) * inverse;
    let dz = Value(dy[i]) * activate_grad(g * normal + b);
    out[i] = Out(storable(scale * (dz - meanDz - normal * meanDzX)));
    i += step;
  }
}

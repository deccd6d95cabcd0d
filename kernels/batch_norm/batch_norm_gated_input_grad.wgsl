// dx[row, c] of batch_norm_input_grad.wgsl where its cotangent is dy[row, c] · s[n, c] + g[n, c], n the row's sample
// sums is [2, C]: dγ, dβ; of_channel what batch_norm_coefficients.wgsl makes
//
// A thread owns a Value of channels in a chunk of rows of one sample (rows.wgsl).
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
  inverseCount: f32, // 1/(samples · rows), or 0
}

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read> sums: array<Value>;
@group(0) @binding(3) var<storage, read> of_channel: array<Value>;
@group(0) @binding(4) var<storage, read> s: array<Value>;
@group(0) @binding(5) var<storage, read> g: array<Value>;
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
  let meanDzX = sums[mine.channel] * params.inverseCount;
  let meanDz = sums[step + mine.channel] * params.inverseCount;
  let mean = of_channel[mine.channel];
  let inverse = of_channel[step + mine.channel];
  let gamma = of_channel[2u * step + mine.channel];
  let beta = of_channel[3u * step + mine.channel];
  let factor = s[mine.sample * step + mine.channel];
  let summand = g[mine.sample * step + mine.channel];
  let scale = gamma * inverse;
  var i = mine.first * step + mine.channel;
  for (var row = mine.first; row < mine.end; row++) {
    let normal = (Value(x[i]) - mean) * inverse;
    let dz = (Value(dy[i]) * factor + summand) * activate_grad(gamma * normal + beta);
    out[i] = Out(storable(scale * (dz - meanDz - normal * meanDzX)));
    i += step;
  }
}

// y[row, c] = activate(γ[c] · (x[row, c] − mean[c]) / √(variance[c] + ε) + β[c])      stats is [2, C]: mean, variance
//             GATED: times gate[n, c], n being the row's sample; ADDED: plus residual[row, c]
//
// Ioffe & Szegedy 2015, algorithm 1. The mean is taken off before scaling, because γ·x/σ − γ·mean/σ would cancel. The
// activation rides along: a pass of its own would read and write the whole tensor again. So do the gate of squeeze and
// excite and what a residual block adds. A thread owns a Value of channels in a chunk of rows (rows.wgsl).
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how these are stored: Values, or as f16
alias Residual = Value;
alias Out = Value;

override GATED: u32 = 0;
override ADDED: u32 = 0;

struct Params {
  samples: u32,
  rows: u32,     // of a sample
  channels: u32, // in Values
  chunk: u32,
  parts: u32,    // of a sample
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> stats: array<Value>;
@group(0) @binding(2) var<storage, read> gamma: array<Value>;
@group(0) @binding(3) var<storage, read> beta: array<Value>;
@group(0) @binding(4) var<storage, read_write> out: array<Out>;
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var<storage, read> gate: array<Value>;
@group(0) @binding(7) var<storage, read> residual: array<Residual>;

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
  let scale = gamma[mine.channel] * inverseSqrt(stats[step + mine.channel] + params.epsilon);
  let shift = beta[mine.channel];
  var factor = Value(1.0);
  if (GATED == 1u) {
    factor = gate[mine.sample * step + mine.channel];
  }
  var i = mine.first * step + mine.channel;
  for (var row = mine.first; row < mine.end; row++) {
    let y = activate((Value(x[i]) - mean) * scale + shift);
    var written = y * factor;
    if (ADDED == 1u) {
      written += Value(residual[i]);
    }
    out[i] = Out(storable(written));
    i += step;
  }
}

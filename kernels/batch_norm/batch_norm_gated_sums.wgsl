// out[0, c] = dγ[c] = Σ_n s[n, c]·sums[1, n, c] + g[n, c]·sums[2, n, c]
// out[1, c] = dβ[c] = Σ_n s[n, c]·sums[3, n, c] + g[n, c]·sums[4, n, c]      sums as batch_norm_gate_sums.wgsl leaves it
//
// A thread owns a Value of channels, or shares its samples (include/depth.wgsl).
alias Value = vec4<f32>;

struct Params {
  samples: u32,
  channels: u32, // in Values
}

@group(0) @binding(0) var<storage, read> sums: array<Value>;
@group(0) @binding(1) var<storage, read> s: array<Value>;
@group(0) @binding(2) var<storage, read> g: array<Value>;
@group(0) @binding(3) var<storage, read_write> out: array<Value>;
@group(0) @binding(4) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/depth.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let step = params.channels;
  let channel = flat_workgroup(group, groups) * COLUMNS + lane % COLUMNS;
  let all = params.samples * step;
  var dGamma = Value(0.0);
  var dBeta = Value(0.0);
  if (channel < step) {
    for (var n = lane / COLUMNS; n < params.samples; n += DEPTH) {
      let i = n * step + channel;
      dGamma += s[i] * sums[all + i] + g[i] * sums[2u * all + i];
      dBeta += s[i] * sums[3u * all + i] + g[i] * sums[4u * all + i];
    }
  }
  if (DEPTH != 1u) {
    sum_depth(dGamma, lane);
    dGamma = piled[lane];
    sum_depth(dBeta, lane);
    dBeta = piled[lane];
  }
  if (lane < COLUMNS && channel < step) {
    out[channel] = dGamma;
    out[step + channel] = dBeta;
  }
}

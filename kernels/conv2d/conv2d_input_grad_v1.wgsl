// dx[n, h, v, c] = Σ_{r,s,k} dy[n, ho, wo, k] · w[r, s, c, k]
// over the taps with ho·stride + r·dilation − pad = h (wo and v alike). Layouts as in conv2d_v1.wgsl.
//
// The naive version, in gather form: a thread owns one element of dx and asks each filter tap which output saw it.
alias Value = f32;
alias Dy = Value; // how these are stored: Values, or as f16
alias Dx = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<Dx>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

// The output position that sees input position `at` through a filter tap, or -1.
fn seen_by(at: u32, pad: u32, tap: u32, dilation: u32, stride: u32, size: u32) -> i32 {
  let distance = i32(at + pad) - i32(tap * dilation);
  let o = distance / i32(stride);
  return select(-1, o, distance >= 0 && distance % i32(stride) == 0 && o < i32(size));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.batch * params.inH * params.inW * params.inChannels) {
    return;
  }
  let c = t % params.inChannels;
  let v = t / params.inChannels % params.inW;
  let h = t / params.inChannels / params.inW % params.inH;
  let n = t / params.inChannels / params.inW / params.inH;
  let groupChannels = params.inChannels / params.groups;
  let groupOutputs = params.outChannels / params.groups;
  let firstOutput = c / groupChannels * groupOutputs;

  var sum = 0.0;
  for (var r = 0u; r < params.filterH; r++) {
    let ho = seen_by(h, params.padTop, r, params.dilationH, params.strideH, params.outH);
    if (ho < 0) {
      continue;
    }
    for (var s = 0u; s < params.filterW; s++) {
      let wo = seen_by(v, params.padLeft, s, params.dilationW, params.strideW, params.outW);
      if (wo < 0) {
        continue;
      }
      let pixel = ((n * params.outH + u32(ho)) * params.outW + u32(wo)) * params.outChannels + firstOutput;
      let tap = ((r * params.filterW + s) * groupChannels + c % groupChannels) * params.outChannels + firstOutput;
      for (var k = 0u; k < groupOutputs; k++) {
        sum += f32(dy[pixel + k]) * w[tap + k];
      }
    }
  }
  dx[t] = Dx(storable(sum));
}

// y[n, ho, wo, k] = Σ_{r,s,c} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · w[r, s, c, k]
// x NHWC, w HWIO
// With groups, output channel k sees only its own group's input channels, and w's c counts within the group.
//
// The naive version: the formula and nothing else.
// A thread owns one output element.
alias Value = f32;
alias X = Value; // how these are stored: Values, or as f16
alias Y = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.batch * params.outH * params.outW * params.outChannels) {
    return;
  }
  let k = t % params.outChannels;
  let wo = t / params.outChannels % params.outW;
  let ho = t / params.outChannels / params.outW % params.outH;
  let n = t / params.outChannels / params.outW / params.outH;
  let groupChannels = params.inChannels / params.groups;
  let firstChannel = k / (params.outChannels / params.groups) * groupChannels;

  var sum = 0.0;
  for (var r = 0u; r < params.filterH; r++) {
    let h = i32(ho * params.strideH + r * params.dilationH) - i32(params.padTop);
    if (h < 0 || h >= i32(params.inH)) {
      continue;
    }
    for (var s = 0u; s < params.filterW; s++) {
      let v = i32(wo * params.strideW + s * params.dilationW) - i32(params.padLeft);
      if (v < 0 || v >= i32(params.inW)) {
        continue;
      }
      let pixel = ((n * params.inH + u32(h)) * params.inW + u32(v)) * params.inChannels + firstChannel;
      let tap = (r * params.filterW + s) * groupChannels;
      for (var c = 0u; c < groupChannels; c++) {
        sum += f32(x[pixel + c]) * w[(tap + c) * params.outChannels + k];
      }
    }
  }
  y[t] = Y(storable(sum));
}

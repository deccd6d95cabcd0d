// dw[r, s, c, k] = Σ_{n,ho,wo} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · dy[n, ho, wo, k]
// Layouts as in conv2d_v1.wgsl.
//
// The naive version: a thread owns one element of dw and walks the whole batch. Slow where the filter is small and the
// image large, because then there are few threads.
alias X = f32; // how these are stored: as f32 or as f16
alias Dy = f32;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> dy: array<Dy>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  let groupChannels = params.inChannels / params.groups;
  if (t >= params.filterH * params.filterW * groupChannels * params.outChannels) {
    return;
  }
  let k = t % params.outChannels;
  let c = t / params.outChannels % groupChannels + k / (params.outChannels / params.groups) * groupChannels;
  let s = t / params.outChannels / groupChannels % params.filterW;
  let r = t / params.outChannels / groupChannels / params.filterW;

  var sum = 0.0;
  for (var n = 0u; n < params.batch; n++) {
    for (var ho = 0u; ho < params.outH; ho++) {
      let h = i32(ho * params.strideH + r * params.dilationH) - i32(params.padTop);
      if (h < 0 || h >= i32(params.inH)) {
        continue;
      }
      for (var wo = 0u; wo < params.outW; wo++) {
        let v = i32(wo * params.strideW + s * params.dilationW) - i32(params.padLeft);
        if (v < 0 || v >= i32(params.inW)) {
          continue;
        }
        let pixel = ((n * params.inH + u32(h)) * params.inW + u32(v)) * params.inChannels;
        sum += f32(x[pixel + c]) * f32(dy[((n * params.outH + ho) * params.outW + wo) * params.outChannels + k]);
      }
    }
  }
  dw[t] = sum;
}

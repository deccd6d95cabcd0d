enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// y[n, ho, wo, k] = Σ_{r,s,c} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · w[r, s, c, k]
// x NHWC, w HWIO, both with channels padded to whole vec4s; one group.
//
// The implicit GEMM of conv2d_v2 on tensor cores (../matmul/matrix_tile.wgsl), for programs of precision f16: rows are
// output pixels, columns output channels, the depth runs over taps and channels.
const LEFT_ALONG: u32 = 1; // vec4s of x are channels: depths
const RIGHT_ALONG: u32 = 0; // vec4s of w are output channels: columns

alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how these are stored: Values, or as f16
alias Y = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/half.wgsl
//!include ../epilogue/epilogue.wgsl

// 0.1 is another number in f16.
const X_IS_HALF = f32(X(0.1).x) != 0.1f;

fn left_at(row: u32, k: u32, end: u32) -> vec4<f16> {
  let line = row / params.outW;
  let n = line / params.outH;
  let tap = k / params.inChannels;
  let r = tap / params.filterW;
  let h = i32((line - n * params.outH) * params.strideH + r * params.dilationH) - i32(params.padTop);
  let s = tap - r * params.filterW;
  let v = i32((row - line * params.outW) * params.strideW + s * params.dilationW) - i32(params.padLeft);
  // What lies before the image's edge is, as a u32, beyond its end. One branch: || would be one for each comparison.
  if ((n >= params.batch) | (k >= end) | (u32(h) >= params.inH) | (u32(v) >= params.inW)) {
    return vec4<f16>();
  }
  let place = (n * params.inH + u32(h)) * params.inW + u32(v);
  let pixel = x[(place * params.inChannels + k - tap * params.inChannels) / 4u];
  if (X_IS_HALF) {
    return vec4<f16>(pixel);
  }
  return to_half(Value(pixel));
}

fn right_at(col: u32, k: u32, end: u32) -> vec4<f16> {
  if ((col >= params.outChannels) | (k >= end)) {
    return vec4<f16>();
  }
  return to_half(w[(k * params.outChannels + col) / 4u]);
}

fn put(row: u32, col: u32, v: vec4<f32>) {
  if (row >= params.batch * params.outH * params.outW || col >= params.outChannels) {
    return;
  }
  let at = (row * params.outChannels + col) / 4u;
  y[at] = Y(storable(epilogue(v, at, channel_operands(col / 4u, params.outChannels / 4u))));
}

//!include ../matmul/matrix_tile.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let tile = select(group.xy, group.yx, params.rowByRow == 1u);
  let depth = params.filterH * params.filterW * params.inChannels;
  matrix_product(tile * vec2<u32>(TILE_M, TILE_N), 0u, depth, lane, subgroup);
}

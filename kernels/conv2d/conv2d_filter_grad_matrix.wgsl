enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// dw[r, s, c, k] = Σ_{n,ho,wo} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · dy[n, ho, wo, k]
//
// As conv2d_filter_grad_v2 on tensor cores (../matmul/matrix_tile.wgsl), for programs of precision f16: rows are taps
// and input channels, columns output channels, the depth runs over output pixels, of which each part (group.z) has its
// range and an output of its own, to be added up after.
const LEFT_ALONG: u32 = 0; // vec4s of x are input channels: rows
const RIGHT_ALONG: u32 = 0; // vec4s of dy are output channels: columns

alias Value = vec4<f32>;
alias X = Value; // how these are stored: Values, or as f16
alias Dy = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> dy: array<Dy>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// 0.1 is another number in f16.
const X_IS_HALF = f32(X(0.1).x) != 0.1f;
const DY_IS_HALF = f32(Dy(0.1).x) != 0.1f;

fn left_at(row: u32, k: u32, end: u32) -> vec4<f16> {
  let tap = row / params.inChannels;
  let r = tap / params.filterW;
  let line = k / params.outW;
  let n = line / params.outH;
  let h = i32((line - n * params.outH) * params.strideH + r * params.dilationH) - i32(params.padTop);
  let s = tap - r * params.filterW;
  let v = i32((k - line * params.outW) * params.strideW + s * params.dilationW) - i32(params.padLeft);
  // What lies before the image's edge is, as a u32, beyond its end. One branch: || would be one for each comparison.
  if ((r >= params.filterH) | (k >= end) | (u32(h) >= params.inH) | (u32(v) >= params.inW)) {
    return vec4<f16>();
  }
  let place = (n * params.inH + u32(h)) * params.inW + u32(v);
  let pixel = x[(place * params.inChannels + row - tap * params.inChannels) / 4u];
  if (X_IS_HALF) {
    return vec4<f16>(pixel);
  }
  return to_half(Value(pixel));
}

fn right_at(col: u32, k: u32, end: u32) -> vec4<f16> {
  if ((col >= params.outChannels) | (k >= end)) {
    return vec4<f16>();
  }
  let v = dy[(k * params.outChannels + col) / 4u];
  if (DY_IS_HALF) {
    return vec4<f16>(v);
  }
  return to_half(Value(v));
}

var<private> layer: u32;

fn put(row: u32, col: u32, v: vec4<f32>) {
  let rows = params.filterH * params.filterW * params.inChannels;
  if (row >= rows || col >= params.outChannels) {
    return;
  }
  dw[((layer * rows + row) * params.outChannels + col) / 4u] = v;
}

//!include ../matmul/matrix_tile.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  layer = group.z;
  let depth = params.batch * params.outH * params.outW;
  // Whole steps, so that the last parts may have none: they are zeros.
  let part_depth = (depth + groups.z * TILE_K - 1u) / (groups.z * TILE_K) * TILE_K;
  let begin = min(group.z * part_depth, depth);
  let tile = select(group.xy, group.yx, params.rowByRow == 1u);
  matrix_product(tile * vec2<u32>(TILE_M, TILE_N), begin, min(begin + part_depth, depth), lane, subgroup);
}

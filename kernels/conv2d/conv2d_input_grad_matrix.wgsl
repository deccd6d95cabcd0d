enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// dx[n, h, v, c] = Σ_{r,s,k} dy[n, ho, wo, k] · w[r, s, c, k]
// where ho·stride + r·dilation − pad = h, and so for wo
//
// As conv2d_input_grad_v2, a product for every class of pixels that the stride makes (group.z), on tensor cores
// (../matmul/matrix_tile.wgsl), for programs of precision f16: rows are the class's pixels, columns input channels, the
// depth runs over the taps that the class is seen through and over output channels.
const LEFT_ALONG: u32 = 1; // vec4s of dy are output channels: depths
const RIGHT_ALONG: u32 = 1; // and so are those of w

alias Value = vec4<f32>;
alias Dy = Value; // how these are stored: Values, or as f16
alias Dx = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<Dx>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/half.wgsl
//!include taps.wgsl

// 0.1 is another number in f16.
const DY_IS_HALF = f32(Dy(0.1).x) != 0.1f;

// The class's pixels are h = class.y + i · strideH, v = class.x + j · strideW, of which there are height x width.
var<private> class_at: vec2<u32>;
var<private> height: u32;
var<private> width: u32;
var<private> taps_h: Taps;
var<private> taps_w: Taps;
var<private> taps_wide: u32;

// The tap of depth k.
fn tap_at(k: u32) -> vec2<u32> {
  let tap = k / params.outChannels;
  let down = tap / taps_wide;
  return vec2<u32>(taps_h.first + down * taps_h.step, taps_w.first + (tap - down * taps_wide) * taps_w.step);
}

fn left_at(row: u32, k: u32, end: u32) -> vec4<f16> {
  let line = row / width;
  let n = line / height;
  let tap = tap_at(k);
  let down = i32(class_at.y + params.padTop) - i32(tap.x * params.dilationH);
  let right = i32(class_at.x + params.padLeft) - i32(tap.y * params.dilationW);
  let ho = i32(line - n * height) + down / i32(params.strideH);
  let wo = i32(row - line * width) + right / i32(params.strideW);
  // What lies before the image's edge is, as a u32, beyond its end. One branch: || would be one for each comparison.
  if ((n >= params.batch) | (k >= end) | (u32(ho) >= params.outH) | (u32(wo) >= params.outW)) {
    return vec4<f16>();
  }
  let place = (n * params.outH + u32(ho)) * params.outW + u32(wo);
  let pixel = dy[(place * params.outChannels + k % params.outChannels) / 4u];
  if (DY_IS_HALF) {
    return vec4<f16>(pixel);
  }
  return to_half(Value(pixel));
}

fn right_at(col: u32, k: u32, end: u32) -> vec4<f16> {
  if ((col >= params.inChannels) | (k >= end)) {
    return vec4<f16>();
  }
  let tap = tap_at(k);
  let place = (tap.x * params.filterW + tap.y) * params.inChannels + col;
  return to_half(w[(place * params.outChannels + k % params.outChannels) / 4u]);
}

fn put(row: u32, col: u32, v: vec4<f32>) {
  let line = row / width;
  let n = line / height;
  if (n >= params.batch || col >= params.inChannels) {
    return;
  }
  let h = class_at.y + (line - n * height) * params.strideH;
  let pixel = (n * params.inH + h) * params.inW + class_at.x + (row - line * width) * params.strideW;
  dx[(pixel * params.inChannels + col) / 4u] = Dx(storable(v));
}

//!include ../matmul/matrix_tile.wgsl

// How many taps there are below `size`.
fn count_taps(taps: Taps, size: u32) -> u32 {
  return select((size - taps.first + taps.step - 1u) / taps.step, 0u, taps.first >= size);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  // What the loop ends by must be uniform, which private variables are not known to be: they are given copies.
  let class_h = group.z / params.strideW;
  let class_w = group.z % params.strideW;
  // An image smaller than the stride has no pixel of some classes.
  if (class_h >= params.inH || class_w >= params.inW) {
    return;
  }
  let down = taps_of(class_h + params.padTop, params.dilationH, params.strideH);
  let across = taps_of(class_w + params.padLeft, params.dilationW, params.strideW);
  let high = count_taps(down, params.filterH);
  let wide = count_taps(across, params.filterW);
  class_at = vec2<u32>(class_w, class_h);
  height = (params.inH + params.strideH - 1u - class_h) / params.strideH;
  width = (params.inW + params.strideW - 1u - class_w) / params.strideW;
  taps_h = down;
  taps_w = across;
  taps_wide = max(wide, 1u);
  let tile = select(group.xy, group.yx, params.rowByRow == 1u);
  matrix_product(tile * vec2<u32>(TILE_M, TILE_N), 0u, high * wide * params.outChannels, lane, subgroup);
}

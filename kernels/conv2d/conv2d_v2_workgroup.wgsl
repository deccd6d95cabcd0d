// The convolution of conv2d_v2.wgsl in tiles that are staged in workgroup memory (../matmul/tile.wgsl): pixels of an
// image patch that several outputs see are read from the buffer once a tile and tap.
const LEFT_TRANSPOSED = 0u;
const RIGHT_TRANSPOSED = 0u;

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
//!include ../matmul/tile.wgsl
//!include ../matmul/tile_rows.wgsl
//!include group.wgsl

// The group of channels.
var<private> which: u32;

// Four output pixels: the first rows of their images, and where their windows begin.
struct Rows {
  image: vec4<u32>,
  top: vec4<i32>,
  start: vec4<i32>,
}

fn rows_from(row: u32) -> Rows {
  // Rows beyond the last compute the last one's pixel once more and drop it.
  let pixel = min(row + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.batch * params.outH * params.outW - 1u));
  let line = pixel / params.outW;
  let n = line / params.outH;
  return Rows(
    n * params.inH,
    vec4<i32>((line - n * params.outH) * params.strideH) - i32(params.padTop),
    vec4<i32>((pixel - line * params.outW) * params.strideW) - i32(params.padLeft),
  );
}

fn left_block(rows: Rows, k: u32, end: u32) -> mat4x4<f32> {
  let channels = params.inChannels / 4u;
  let own_channels = channels / params.groups;
  let tap = k / 4u / own_channels;
  let c = which * own_channels + k / 4u - tap * own_channels;
  let r = tap / params.filterW;
  let h = rows.top + i32(r * params.dilationH);
  let v = rows.start + i32((tap - r * params.filterW) * params.dilationW);
  let h_inside = (h >= vec4<i32>(0)) & (h < vec4<i32>(i32(params.inH)));
  let v_inside = (v >= vec4<i32>(0)) & (v < vec4<i32>(i32(params.inW)));
  let inside = h_inside & v_inside;
  let at = select(vec4<u32>(), ((rows.image + vec4<u32>(h)) * params.inW + vec4<u32>(v)) * channels, inside) + c;
  let zero = vec4<f32>();
  return mat4x4<f32>(
    select(zero, Value(x[at.x]), inside.x),
    select(zero, Value(x[at.y]), inside.y),
    select(zero, Value(x[at.z]), inside.z),
    select(zero, Value(x[at.w]), inside.w),
  );
}

fn right_block(k: u32, end: u32, col: u32) -> mat4x4<f32> {
  let outputs = params.outChannels / 4u;
  let at = k * outputs + which * (outputs / params.groups) + col;
  return mat4x4<f32>(w[at], w[at + outputs], w[at + 2u * outputs], w[at + 3u * outputs]);
}

fn put_vec4(row: u32, col: u32, v: vec4<f32>) {
  let outputs = params.outChannels / 4u;
  let channel = which * (outputs / params.groups) + col;
  let at = row * outputs + channel;
  y[at] = Y(storable(epilogue(v, at, channel_operands(channel, outputs))));
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = tile_origin(group, params.rowByRow);
  let own_outputs = params.outChannels / 4u / params.groups;
  let place = group_column(tile.y, own_outputs, 2u * ACROSS);
  which = place.group;
  let origin = vec2<u32>(tile.x, place.col);
  let depth = params.filterH * params.filterW * (params.inChannels / params.groups);
  let pixels = params.batch * params.outH * params.outW;
  put_square(tile_product(origin, lane, 0u, depth), origin, lane, pixels, own_outputs);
}

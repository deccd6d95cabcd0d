// The input gradient of conv2d_input_grad_v2.wgsl in tiles that are staged in workgroup memory (../matmul/tile.wgsl).
const LEFT_TRANSPOSED = 0u;
const RIGHT_TRANSPOSED = 1u;

alias Value = vec4<f32>;
alias Dy = Value; // how these are stored: Values, or as f16
alias Dx = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<Dx>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/half.wgsl
//!include ../matmul/four.wgsl
//!include ../matmul/tile.wgsl
//!include ../matmul/tile_rows.wgsl
//!include group.wgsl
//!include walk.wgsl
//!include taps.wgsl

// What the workgroup is about: a class of pixels (conv2d_input_grad_v2.wgsl) and a group of channels.
struct Layer {
  which: u32,
  class_h: u32,
  class_w: u32,
  height: u32, // of the class
  width: u32,
  down: Taps,
  across: Taps,
  taps_down: u32, // how many
  taps_across: u32,
}

var<private> layer: Layer;

fn count_taps(taps: Taps, size: u32) -> u32 {
  return select(0u, (size - taps.first + taps.step - 1u) / taps.step, taps.first < size);
}

fn layer_of(z: u32, which: u32) -> Layer {
  let class_h = z / params.strideW;
  let class_w = z % params.strideW;
  let down = taps_of(class_h + params.padTop, params.dilationH, params.strideH);
  let across = taps_of(class_w + params.padLeft, params.dilationW, params.strideW);
  return Layer(
    which, class_h, class_w,
    (params.inH + params.strideH - 1u - class_h) / params.strideH,
    (params.inW + params.strideW - 1u - class_w) / params.strideW,
    down, across, count_taps(down, params.filterH), count_taps(across, params.filterW),
  );
}

// Four pixels of the class: where its first tap sees them in dy, and the vec4 that lies there, if any does; and the tap
// and its vec4 of output channels that are next.
struct Left {
  bottom: vec4<i32>,
  right: vec4<i32>,
  at: vec4<i32>,
  walk: Walk,
}

// The class's taps across and a group's vec4s of output channels.
fn limits() -> vec2<u32> {
  return vec2<u32>(max(layer.taps_across, 1u), params.outChannels / 4u / params.groups);
}

// Rows and columns of dy from a tap of the class to the next, back towards the first.
fn back() -> vec2<u32> {
  return vec2<u32>(
    layer.down.step * params.dilationH / params.strideH,
    layer.across.step * params.dilationW / params.strideW,
  );
}

fn left_from(row: u32, k: u32, end: u32) -> Left {
  let count = params.batch * layer.height * layer.width;
  let pixel = min(row + NEXT, vec4<u32>(max(count, 1u) - 1u));
  let line = pixel / max(layer.width, 1u);
  let n = line / max(layer.height, 1u);
  let down = (i32(layer.class_h + params.padTop) - i32(layer.down.first * params.dilationH)) / i32(params.strideH);
  let across = (i32(layer.class_w + params.padLeft) - i32(layer.across.first * params.dilationW)) / i32(params.strideW);
  let bottom = vec4<i32>(line - n * layer.height) + down;
  let right = vec4<i32>(pixel - line * layer.width) + across;
  let outputs = params.outChannels / 4u;
  let line_at = (vec4<i32>(n * params.outH) + bottom) * i32(params.outW);
  let at = (line_at + right) * i32(outputs) + i32(layer.which * (outputs / params.groups));
  return Left(bottom, right, at, walk_from(k / 4u, DEPTH, limits()));
}

fn left_next(left: Left) -> Left {
  return Left(left.bottom, left.right, left.at, walk_on(left.walk, limits()));
}

fn left_block(left: Left) -> mat4x4<f32> {
  let up = left.walk.at.xy * back();
  // What lies before the image's edge is, as a u32, beyond its end.
  let ho = bitcast<vec4<u32>>(left.bottom - i32(up.x));
  let wo = bitcast<vec4<u32>>(left.right - i32(up.y));
  let inside = (ho < vec4<u32>(params.outH)) & (wo < vec4<u32>(params.outW));
  let on = i32(left.walk.at.z) - i32((up.x * params.outW + up.y) * (params.outChannels / 4u));
  let at = select(vec4<i32>(), left.at + on, inside);
  let zero = vec4<f32>();
  return transpose(mat4x4<f32>(
    select(zero, Value(dy[at.x]), inside.x),
    select(zero, Value(dy[at.y]), inside.y),
    select(zero, Value(dy[at.z]), inside.z),
    select(zero, Value(dy[at.w]), inside.w),
  ));
}

// Four input channels: where their weights of tap 0 lie; and the tap and its vec4 of output channels that are next.
struct Right {
  at: vec4<u32>,
  walk: Walk,
}

fn right_from(col: u32, k: u32, end: u32) -> Right {
  let outputs = params.outChannels / 4u;
  let own_channels = params.inChannels / params.groups;
  let at = min(4u * col + NEXT, vec4<u32>(own_channels - 1u)) * outputs + layer.which * (outputs / params.groups);
  return Right(at, walk_from(k / 4u, DEPTH, limits()));
}

fn right_next(right: Right) -> Right {
  return Right(right.at, walk_on(right.walk, limits()));
}

fn right_block(right: Right) -> mat4x4<f32> {
  // Depths beyond the last are read at the last tap.
  let r = min(layer.down.first + right.walk.at.x * layer.down.step, params.filterH - 1u);
  let s = layer.across.first + right.walk.at.y * layer.across.step;
  let tap_size = params.inChannels / params.groups * (params.outChannels / 4u);
  let at = right.at + ((r * params.filterW + s) * tap_size + right.walk.at.z);
  return transpose(mat4x4<f32>(w[at.x], w[at.y], w[at.z], w[at.w]));
}

fn put_vec4(row: u32, col: u32, v: vec4<f32>) {
  let line = row / layer.width;
  let n = line / layer.height;
  let h = layer.class_h + (line - n * layer.height) * params.strideH;
  let at = layer.class_w + (row - line * layer.width) * params.strideW;
  let channels = params.inChannels / 4u;
  let pixel = (n * params.inH + h) * params.inW + at;
  dx[pixel * channels + layer.which * (channels / params.groups) + col] = Dx(storable(v));
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = tile_origin(group, params.rowByRow);
  let own_channels = params.inChannels / 4u / params.groups;
  let place = group_column(tile.y, own_channels, WIDE * ACROSS);
  // Not read back from the private variable, which the analysis takes to differ between threads.
  let own = layer_of(group.z, place.group);
  layer = own;
  let origin = vec2<u32>(tile.x, place.col);
  let depth = own.taps_down * own.taps_across * (params.outChannels / params.groups);
  put_square(tile_product(origin, lane, 0u, depth), origin, lane, params.batch * own.height * own.width, own_channels);
}

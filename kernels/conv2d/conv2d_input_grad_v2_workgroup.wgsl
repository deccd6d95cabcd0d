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
//!include ../matmul/tile.wgsl
//!include ../matmul/tile_rows.wgsl
//!include group.wgsl
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

// Four pixels of the class: the first rows of dy of their images, and their places i, j in the class.
struct Rows {
  image: vec4<u32>,
  i: vec4<i32>,
  j: vec4<i32>,
}

fn rows_from(row: u32) -> Rows {
  let count = params.batch * layer.height * layer.width;
  let pixel = min(row + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(max(count, 1u) - 1u));
  let line = pixel / max(layer.width, 1u);
  let n = line / max(layer.height, 1u);
  return Rows(n * params.outH, vec4<i32>(line - n * layer.height), vec4<i32>(pixel - line * layer.width));
}

// A depth's tap, and its vec4 of output channels.
struct Depth {
  r: u32,
  s: u32,
  k: u32,
}

fn depth_at(k: u32) -> Depth {
  let own_outputs = params.outChannels / 4u / params.groups;
  let tap = k / 4u / own_outputs;
  let down = tap / layer.taps_across;
  return Depth(
    layer.down.first + down * layer.down.step,
    layer.across.first + (tap - down * layer.taps_across) * layer.across.step,
    layer.which * own_outputs + k / 4u - tap * own_outputs,
  );
}

fn left_block(rows: Rows, k: u32, end: u32) -> mat4x4<f32> {
  let at_depth = depth_at(k);
  let ho = rows.i + (i32(layer.class_h + params.padTop) - i32(at_depth.r * params.dilationH)) / i32(params.strideH);
  let wo = rows.j + (i32(layer.class_w + params.padLeft) - i32(at_depth.s * params.dilationW)) / i32(params.strideW);
  let ho_inside = (ho >= vec4<i32>(0)) & (ho < vec4<i32>(i32(params.outH)));
  let wo_inside = (wo >= vec4<i32>(0)) & (wo < vec4<i32>(i32(params.outW)));
  let inside = ho_inside & wo_inside;
  let places = (rows.image + vec4<u32>(ho)) * params.outW + vec4<u32>(wo);
  let at = select(vec4<u32>(), places * (params.outChannels / 4u), inside) + at_depth.k;
  let zero = vec4<f32>();
  return mat4x4<f32>(
    select(zero, Value(dy[at.x]), inside.x),
    select(zero, Value(dy[at.y]), inside.y),
    select(zero, Value(dy[at.z]), inside.z),
    select(zero, Value(dy[at.w]), inside.w),
  );
}

fn right_block(k: u32, end: u32, col: u32) -> mat4x4<f32> {
  let at_depth = depth_at(k);
  let outputs = params.outChannels / 4u;
  let tap = at_depth.r * params.filterW + at_depth.s;
  let at = (tap * (params.inChannels / params.groups) + 4u * col) * outputs + at_depth.k;
  return transpose(mat4x4<f32>(w[at], w[at + outputs], w[at + 2u * outputs], w[at + 3u * outputs]));
}

fn put_vec4(row: u32, col: u32, v: vec4<f32>) {
  let line = row / layer.width;
  let n = line / layer.height;
  let h = layer.class_h + (line - n * layer.height) * params.strideH;
  let at = layer.class_w + (row - line * layer.width) * params.strideW;
  let channels = params.inChannels / 4u;
  let channel = layer.which * (channels / params.groups) + col;
  dx[((n * params.inH + h) * params.inW + at) * channels + channel] = Dx(storable(v));
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = tile_origin(group, params.rowByRow);
  let own_channels = params.inChannels / 4u / params.groups;
  let place = group_column(tile.y, own_channels, 2u * ACROSS);
  // Not read back from the private variable, which the analysis takes to differ between threads.
  let own = layer_of(group.z, place.group);
  layer = own;
  let origin = vec2<u32>(tile.x, place.col);
  let depth = own.taps_down * own.taps_across * (params.outChannels / params.groups);
  put_square(tile_product(origin, lane, 0u, depth), origin, lane, params.batch * own.height * own.width, own_channels);
}

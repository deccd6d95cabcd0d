// The body of conv2d_v2_workgroup: see there.
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
//!include ../matmul/four.wgsl
//!include ../matmul/tile.wgsl
//!include group.wgsl
//!include walk.wgsl

// The group of channels.
var<private> which: u32;

// Four output pixels: where their windows begin in the image, and the vec4 of x that lies there, if any does; and the
// tap and its vec4 of channels that are next.
struct Left {
  top: vec4<i32>,
  start: vec4<i32>,
  at: vec4<i32>,
  walk: Walk,
}

// The filter's columns and a group's vec4s of channels.
fn limits() -> vec2<u32> {
  return vec2<u32>(params.filterW, params.inChannels / 4u / params.groups);
}

fn left_from(row: u32, k: u32, end: u32) -> Left {
  // Rows beyond the last compute the last one's pixel once more and drop it.
  let pixel = min(row + NEXT, vec4<u32>(params.batch * params.outH * params.outW - 1u));
  let line = pixel / params.outW;
  let n = line / params.outH;
  let top = vec4<i32>((line - n * params.outH) * params.strideH) - i32(params.padTop);
  let start = vec4<i32>((pixel - line * params.outW) * params.strideW) - i32(params.padLeft);
  let channels = params.inChannels / 4u;
  let line_at = (vec4<i32>(n * params.inH) + top) * i32(params.inW);
  let at = (line_at + start) * i32(channels) + i32(which * (channels / params.groups));
  return Left(top, start, at, walk_from(k / 4u, DEPTH, limits()));
}

fn left_next(left: Left) -> Left {
  return Left(left.top, left.start, left.at, walk_on(left.walk, limits()));
}

fn left_block(left: Left) -> mat4x4<f32> {
  let r = left.walk.at.x * params.dilationH;
  let s = left.walk.at.y * params.dilationW;
  // What lies before the image's edge is, as a u32, beyond its end.
  let h = bitcast<vec4<u32>>(left.top + i32(r));
  let v = bitcast<vec4<u32>>(left.start + i32(s));
  let inside = (h < vec4<u32>(params.inH)) & (v < vec4<u32>(params.inW));
  let on = (r * params.inW + s) * (params.inChannels / 4u) + left.walk.at.z;
  let at = select(vec4<i32>(), left.at + i32(on), inside);
  let zero = vec4<f32>();
  return transpose(mat4x4<f32>(
    select(zero, Value(x[at.x]), inside.x),
    select(zero, Value(x[at.y]), inside.y),
    select(zero, Value(x[at.z]), inside.z),
    select(zero, Value(x[at.w]), inside.w),
  ));
}

fn right_from(col: u32, k: u32, end: u32) -> Four {
  let own_outputs = params.outChannels / 4u / params.groups;
  return four_across(which * own_outputs + min(col, own_outputs - 1u), params.outChannels / 4u, k, end);
}

fn right_next(four: Four) -> Four {
  return four_next(four, DEPTH * params.outChannels);
}

fn right_block(four: Four) -> mat4x4<f32> {
  let at = at_across(four);
  return mat4x4<f32>(w[at.x], w[at.y], w[at.z], w[at.w]);
}

fn put_vec4(row: u32, col: u32, v: vec4<f32>) -> vec4<f32> {
  let outputs = params.outChannels / 4u;
  let channel = which * (outputs / params.groups) + col;
  let at = row * outputs + channel;
  let stored = Y(storable(epilogue(v, at, channel_operands(channel, outputs))));
  y[at] = stored;
  return Value(stored);
}

// Where the workgroup's tile lies in the product of its group of channels, which is now `which`.
fn group_origin(group: vec3<u32>) -> vec2<u32> {
  let tile = tile_origin(group, params.rowByRow);
  let place = group_column(tile.y, params.outChannels / 4u / params.groups, WIDE * ACROSS);
  which = place.group;
  return vec2<u32>(tile.x, place.col);
}

fn forward_tile(origin: vec2<u32>, lane: u32) -> Square {
  return tile_product(origin, lane, 0u, params.filterH * params.filterW * (params.inChannels / params.groups));
}

// The rows and the vec4s of columns of that product.
fn product_end() -> vec2<u32> {
  return vec2<u32>(params.batch * params.outH * params.outW, params.outChannels / 4u / params.groups);
}

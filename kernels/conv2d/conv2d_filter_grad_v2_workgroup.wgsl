// The filter gradient of conv2d_filter_grad_v2.wgsl in tiles that are staged in workgroup memory (../matmul/tile.wgsl).
const LEFT_TRANSPOSED = 1u;
const RIGHT_TRANSPOSED = 0u;

alias Value = vec4<f32>;
alias X = Value; // how these are stored: Values, or as f16
alias Dy = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> dy: array<Dy>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../matmul/tile.wgsl
//!include ../matmul/tile_rows.wgsl
//!include group.wgsl
//!include walk.wgsl

// The group of channels and the part of the sum.
var<private> which: u32;
var<private> part: u32;

// The depth is the output's pixels, line by line, a line being as long as its vec4s: a place is an image, a line of it
// and a vec4 of this. The output's lines and the vec4s of one:
fn limits() -> vec2<u32> {
  return vec2<u32>(params.outH, (params.outW + 3u) / 4u);
}

// A filter tap's way from an output pixel to x, the vec4 of x that is its first of four channels for the first pixel,
// if there is any; and how far across what the output's pixels see reaches.
struct Left {
  down: i32,
  across: i32,
  at: i32,
  width: u32,
  walk: Walk,
}

fn left_from(row: u32, k: u32, end: u32) -> Left {
  let own_channels = params.inChannels / params.groups;
  let last = params.filterH * params.filterW * own_channels - 4u;
  let tap = min(row, last) / own_channels;
  let r = tap / params.filterW;
  let s = tap - r * params.filterW;
  let down = i32(r * params.dilationH) - i32(params.padTop);
  let across = i32(s * params.dilationW) - i32(params.padLeft);
  let c = (which * own_channels + min(row, last) - tap * own_channels) / 4u;
  let at = (down * i32(params.inW) + across) * i32(params.inChannels / 4u) + i32(c);
  let width = min(max(i32(params.outW * params.strideW) + across, 0), i32(params.inW));
  return Left(down, across, at, u32(width), walk_from(k / 4u, DEPTH, limits()));
}

fn left_next(left: Left) -> Left {
  return Left(left.down, left.across, left.at, left.width, walk_on(left.walk, limits()));
}

fn left_block(left: Left) -> mat4x4<f32> {
  // Depths beyond the last are read in the last image.
  let n = min(left.walk.at.x, params.batch - 1u);
  let h = left.walk.at.y * params.strideH;
  let v = (4u * left.walk.at.z + NEXT) * params.strideW;
  // What lies before the image's edge is, as a u32, beyond its end.
  let h_inside = bitcast<u32>(i32(h) + left.down) < params.inH;
  let inside = (bitcast<vec4<u32>>(vec4<i32>(v) + left.across) < vec4<u32>(left.width)) & vec4<bool>(h_inside);
  let on = ((n * params.inH + h) * params.inW + v) * (params.inChannels / 4u);
  let at = select(vec4<i32>(), left.at + vec4<i32>(on), inside);
  let zero = vec4<f32>();
  return mat4x4<f32>(
    select(zero, Value(x[at.x]), inside.x),
    select(zero, Value(x[at.y]), inside.y),
    select(zero, Value(x[at.z]), inside.z),
    select(zero, Value(x[at.w]), inside.w),
  );
}

// The vec4 of dy's columns at the first pixel.
struct Right {
  at: u32,
  walk: Walk,
}

fn right_from(col: u32, k: u32, end: u32) -> Right {
  let own_outputs = params.outChannels / 4u / params.groups;
  return Right(which * own_outputs + min(col, own_outputs - 1u), walk_from(k / 4u, DEPTH, limits()));
}

fn right_next(right: Right) -> Right {
  return Right(right.at, walk_on(right.walk, limits()));
}

fn right_block(right: Right) -> mat4x4<f32> {
  let line = min(right.walk.at.x, params.batch - 1u) * params.outH + right.walk.at.y;
  let o = 4u * right.walk.at.z;
  let outputs = params.outChannels / 4u;
  let at = right.at + (line * params.outW + o) * outputs;
  let zero = vec4<f32>();
  return mat4x4<f32>(
    Value(dy[at]),
    select(zero, Value(dy[at + outputs]), o + 1u < params.outW),
    select(zero, Value(dy[at + 2u * outputs]), o + 2u < params.outW),
    select(zero, Value(dy[at + 3u * outputs]), o + 3u < params.outW),
  );
}

fn put_vec4(row: u32, col: u32, v: vec4<f32>) {
  let outputs = params.outChannels / 4u;
  let rows = params.filterH * params.filterW * (params.inChannels / params.groups);
  dw[(part * rows + row) * outputs + which * (outputs / params.groups) + col] = v;
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  // A part has its range of lines.
  part = group.z;
  let lines = params.batch * params.outH;
  let part_lines = (lines + groups.z - 1u) / groups.z;
  let first = group.z * part_lines;
  let last = min(first + part_lines, lines);
  let tile = tile_origin(group, params.rowByRow);
  let own_outputs = params.outChannels / 4u / params.groups;
  let place = group_column(tile.y, own_outputs, WIDE * ACROSS);
  which = place.group;
  let origin = vec2<u32>(tile.x, place.col);
  let own = tile_product(origin, lane, 4u * first * limits().y, 4u * last * limits().y);
  put_square(own, origin, lane, params.filterH * params.filterW * (params.inChannels / params.groups), own_outputs);
}

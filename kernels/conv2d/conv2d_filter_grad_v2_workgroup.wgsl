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

// The group of channels and the part of the sum.
var<private> which: u32;
var<private> part: u32;

// A filter tap's way from an output pixel to x, and the first of four channels, in vec4s.
struct Rows {
  down: i32,
  across: i32,
  c: u32,
}

fn rows_from(row: u32) -> Rows {
  let own_channels = params.inChannels / params.groups;
  let last = params.filterH * params.filterW * own_channels - 4u;
  let tap = min(row, last) / own_channels;
  let r = tap / params.filterW;
  let s = tap - r * params.filterW;
  return Rows(
    i32(r * params.dilationH) - i32(params.padTop),
    i32(s * params.dilationW) - i32(params.padLeft),
    (which * own_channels + min(row, last) - tap * own_channels) / 4u,
  );
}

// The depth is the output's pixels, line by line, a line being as long as its vec4s.
fn vec4s_of_a_line() -> u32 {
  return (params.outW + 3u) / 4u;
}

fn left_block(rows: Rows, k: u32, end: u32) -> mat4x4<f32> {
  let line = k / 4u / vec4s_of_a_line();
  let n = line / params.outH;
  let h = i32((line - n * params.outH) * params.strideH) + rows.down;
  let h_inside = (h >= 0) & (h < i32(params.inH));
  let o = k - 4u * line * vec4s_of_a_line() + vec4<u32>(0u, 1u, 2u, 3u);
  let v = vec4<i32>(o * params.strideW) + rows.across;
  let v_inside = (v >= vec4<i32>(0)) & (v < vec4<i32>(i32(params.inW)));
  let inside = v_inside & (o < vec4<u32>(params.outW)) & vec4<bool>(h_inside);
  let places = (n * params.inH + u32(h)) * params.inW + vec4<u32>(v);
  let at = select(vec4<u32>(), places * (params.inChannels / 4u), inside) + rows.c;
  let zero = vec4<f32>();
  return transpose(mat4x4<f32>(
    select(zero, Value(x[at.x]), inside.x),
    select(zero, Value(x[at.y]), inside.y),
    select(zero, Value(x[at.z]), inside.z),
    select(zero, Value(x[at.w]), inside.w),
  ));
}

fn right_block(k: u32, end: u32, col: u32) -> mat4x4<f32> {
  let line = k / 4u / vec4s_of_a_line();
  let o = k - 4u * line * vec4s_of_a_line();
  let outputs = params.outChannels / 4u;
  let at = (line * params.outW + o) * outputs + which * (outputs / params.groups) + col;
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
  let place = group_column(tile.y, own_outputs, 2u * ACROSS);
  which = place.group;
  let origin = vec2<u32>(tile.x, place.col);
  let own = tile_product(origin, lane, 4u * first * vec4s_of_a_line(), 4u * last * vec4s_of_a_line());
  put_square(own, origin, lane, params.filterH * params.filterW * (params.inChannels / params.groups), own_outputs);
}

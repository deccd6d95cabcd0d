// The body of conv2d_v2: see there.
const RIGHT_TRANSPOSED = 0u;

alias Value = vec4<f32>;
alias X = Value; // how these are stored: Values, or as f16
alias Y = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/half.wgsl

fn right_at(i: u32) -> vec4<f32> {
  return w[i];
}

fn put(i: u32, v: vec4<f32>) {
  y[i] = Y(storable(v));
}

//!include ../matmul/block.wgsl
//!include group.wgsl
//!include ../epilogue/epilogue.wgsl
//!include ../matmul/epilogue_block.wgsl

fn forward(group: vec3<u32>, lane: u32) {
  let origin = block_origin(group, lane, params.rowByRow);
  let rows = origin.x + vec4<u32>(0u, 1u, 2u, 3u);
  let channels = params.inChannels / 4u;
  let outputs = params.outChannels / 4u;
  // The group's own channels, and where they begin.
  let own_channels = channels / params.groups;
  let own_outputs = outputs / params.groups;
  let place = group_column(origin.y, own_outputs * 4u, COLUMNS);
  let base = place.group * own_channels;
  let col = place.group * own_outputs + place.col / 4u;
  // Rows beyond the last compute the last one's pixel once more and drop it.
  let count = params.batch * params.outH * params.outW;
  let pixel = min(rows, vec4<u32>(count - 1u));
  let line = pixel / params.outW;
  let n = line / params.outH;
  let top = vec4<i32>((line - n * params.outH) * params.strideH) - i32(params.padTop);
  let start = vec4<i32>((pixel - line * params.outW) * params.strideW) - i32(params.padLeft);

  var own: Block;
  var r = 0u;
  var s = 0u;
  var c = 0u;
  let depth = params.filterH * params.filterW * own_channels;
  for (var k = 0u; k < depth; k++) {
    let h = top + i32(r * params.dilationH);
    let v = start + i32(s * params.dilationW);
    let h_inside = (h >= vec4<i32>(0)) & (h < vec4<i32>(i32(params.inH)));
    let v_inside = (v >= vec4<i32>(0)) & (v < vec4<i32>(i32(params.inW)));
    let inside = h_inside & v_inside;
    let places = (n * params.inH + vec4<u32>(h)) * params.inW + vec4<u32>(v);
    let at = select(vec4<u32>(), places * channels, inside) + base + c;
    let zero = vec4<f32>();
    let pixels = mat4x4<f32>(
      select(zero, Value(x[at.x]), inside.x),
      select(zero, Value(x[at.y]), inside.y),
      select(zero, Value(x[at.z]), inside.z),
      select(zero, Value(x[at.w]), inside.w),
    );
    own = accumulate(own, pixels, k * 4u * outputs + col, outputs, 4u);
    c++;
    let tap_done = c == own_channels;
    c = select(c, 0u, tap_done);
    s += select(0u, 1u, tap_done);
    let line_done = s == params.filterW;
    s = select(s, 0u, line_done);
    r += select(0u, 1u, line_done);
  }
  let to = rows * outputs + col;
  finish_rows(own, to, rows_left(origin.x, count), own_outputs - place.col / 4u, col, outputs);
}

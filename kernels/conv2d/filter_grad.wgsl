// The body of conv2d_filter_grad_v2: see there.
const RIGHT_TRANSPOSED = 0u;

alias Value = vec4<f32>;
alias X = Value; // how these are stored: Values, or as f16
alias Dy = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> dy: array<Dy>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

fn right_at(i: u32) -> vec4<f32> {
  return Value(dy[i]);
}

fn put(i: u32, v: vec4<f32>) {
  dw[i] = v;
}

//!include ../matmul/block.wgsl
//!include group.wgsl

fn filter_grad(group: vec3<u32>, parts: u32, lane: u32) {
  let channels = params.inChannels / 4u;
  let outputs = params.outChannels / 4u;
  // The group's own channels.
  let own_channels = channels / params.groups;
  let own_outputs = outputs / params.groups;
  let count = params.filterH * params.filterW * own_channels * 4u;
  let origin = block_origin(group, lane, params.rowByRow);
  let row = origin.x;
  let place = group_column(origin.y, own_outputs * 4u, COLUMNS);
  let col = place.group * own_outputs + place.col / 4u;
  // A row is a filter tap and a channel; a thread's four rows share the tap.
  let tap = min(row, count - 4u) / (own_channels * 4u);
  let c = place.group * own_channels + (min(row, count - 4u) - tap * own_channels * 4u) / 4u;
  let r = tap / params.filterW;
  let s = tap - r * params.filterW;
  let from_top = i32(r * params.dilationH) - i32(params.padTop);
  let from_left = i32(s * params.dilationW) - i32(params.padLeft);

  // The depth is the output's pixels, line by line; a part has its range of lines.
  let lines = params.batch * params.outH;
  let part_lines = (lines + parts - 1u) / parts;
  let end = min((group.z + 1u) * part_lines, lines);
  var n = group.z * part_lines / params.outH;
  var ho = group.z * part_lines - n * params.outH;

  var own: Block;
  var line = group.z * part_lines;
  var wo = 0u;
  while (line < end) {
    let h = i32(ho * params.strideH) + from_top;
    let h_inside = (h >= 0) & (h < i32(params.inH));
    let o = wo + vec4<u32>(0u, 1u, 2u, 3u);
    let v = vec4<i32>(o * params.strideW) + from_left;
    let v_inside = (v >= vec4<i32>(0)) & (v < vec4<i32>(i32(params.inW)));
    let inside = v_inside & (o < vec4<u32>(params.outW)) & vec4<bool>(h_inside);
    let at = select(vec4<u32>(), ((n * params.inH + u32(h)) * params.inW + vec4<u32>(v)) * channels, inside) + c;
    let zero = vec4<f32>();
    let pixels = mat4x4<f32>(
      select(zero, Value(x[at.x]), inside.x),
      select(zero, Value(x[at.y]), inside.y),
      select(zero, Value(x[at.z]), inside.z),
      select(zero, Value(x[at.w]), inside.w),
    );
    own = accumulate(own, transpose(pixels), (line * params.outW + wo) * outputs + col, outputs, params.outW - wo);
    wo += 4u;
    let line_done = wo >= params.outW;
    wo = select(wo, 0u, line_done);
    line += select(0u, 1u, line_done);
    ho += select(0u, 1u, line_done);
    let image_done = ho == params.outH;
    ho = select(ho, 0u, image_done);
    n += select(0u, 1u, image_done);
  }
  let at = (group.z * count + row + vec4<u32>(0u, 1u, 2u, 3u)) * outputs + col;
  put_rows(own, at, rows_left(row, count), own_outputs - place.col / 4u);
}

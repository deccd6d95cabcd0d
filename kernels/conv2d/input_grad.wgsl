// The body of conv2d_input_grad_v2: see there.
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

fn right_at(i: u32) -> vec4<f32> {
  return w[i];
}

fn put(i: u32, v: vec4<f32>) {
  dx[i] = Dx(storable(v));
}

//!include ../matmul/block.wgsl
//!include group.wgsl
//!include taps.wgsl

fn input_grad(group: vec3<u32>, lane: u32) {
  let class_h = group.z / params.strideW;
  let class_w = group.z % params.strideW;
  // The class's pixels are h = class_h + i · strideH, v = class_w + j · strideW. A tap at r sees them from the outputs
  // ho = i + (class_h + pad − r · dilation) / strideH: from none where that is no whole number.
  let height = (params.inH + params.strideH - 1u - class_h) / params.strideH;
  let width = (params.inW + params.strideW - 1u - class_w) / params.strideW;
  let origin = block_origin(group, lane, params.rowByRow);
  let rows = origin.x + vec4<u32>(0u, 1u, 2u, 3u);
  let channels = params.inChannels / 4u;
  let outputs = params.outChannels / 4u;
  // The group's own channels, and where its outputs begin.
  let own_channels = channels / params.groups;
  let own_outputs = outputs / params.groups;
  let place = group_column(origin.y, own_channels * 4u, COLUMNS);
  let col = place.col;
  let base = place.group * own_outputs;
  let count = params.batch * height * width;
  let pixel = min(rows, vec4<u32>(max(count, 1u) - 1u));
  let line = pixel / max(width, 1u);
  let n = line / max(height, 1u);
  let i = line - n * height;
  let j = pixel - line * width;

  let shift_h = class_h + params.padTop;
  let shift_w = class_w + params.padLeft;
  let taps_h = taps_of(shift_h, params.dilationH, params.strideH);
  let taps_w = taps_of(shift_w, params.dilationW, params.strideW);
  let none = taps_h.first >= params.filterH || taps_w.first >= params.filterW;

  // From the first tap on, the outputs that see a pixel move up and left by whole steps: no division in the loop, where
  // on a CPU one takes as long as the rest of the address.
  let up = i32(taps_h.step * params.dilationH / params.strideH);
  let left = i32(taps_w.step * params.dilationW / params.strideW);
  let bottom = vec4<i32>(i) + (i32(shift_h) - i32(taps_h.first * params.dilationH)) / i32(params.strideH);
  let right = vec4<i32>(j) + (i32(shift_w) - i32(taps_w.first * params.dilationW)) / i32(params.strideW);

  var own: Block;
  var ho = bottom;
  var wo = right;
  var r = select(taps_h.first, params.filterH, none);
  var s = taps_w.first;
  var k = 0u;
  while (r < params.filterH) {
    let ho_inside = (ho >= vec4<i32>(0)) & (ho < vec4<i32>(i32(params.outH)));
    let wo_inside = (wo >= vec4<i32>(0)) & (wo < vec4<i32>(i32(params.outW)));
    let inside = ho_inside & wo_inside;
    let places = (n * params.outH + vec4<u32>(ho)) * params.outW + vec4<u32>(wo);
    let at = select(vec4<u32>(), places * outputs, inside) + base + k;
    let zero = vec4<f32>();
    let pixels = mat4x4<f32>(
      select(zero, Value(dy[at.x]), inside.x),
      select(zero, Value(dy[at.y]), inside.y),
      select(zero, Value(dy[at.z]), inside.z),
      select(zero, Value(dy[at.w]), inside.w),
    );
    let weights = ((r * params.filterW + s) * own_channels * 4u + col) * outputs + base + k;
    own = accumulate(own, pixels, weights, outputs, 4u);
    k++;
    let tap_done = k == own_outputs;
    k = select(k, 0u, tap_done);
    s += select(0u, taps_w.step, tap_done);
    wo -= select(0, left, tap_done);
    let line_done = s >= params.filterW;
    s = select(s, taps_w.first, line_done);
    wo = select(wo, right, line_done);
    r += select(0u, taps_h.step, line_done);
    ho -= select(0, up, line_done);
  }
  let h = class_h + i * params.strideH;
  let v = class_w + j * params.strideW;
  let to = ((n * params.inH + h) * params.inW + v) * channels + place.group * own_channels + col / 4u;
  put_rows(own, to, rows_left(origin.x, count), own_channels - col / 4u);
}

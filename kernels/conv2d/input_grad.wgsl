// The body of conv2d_input_grad_v2: see there.
override LANES: u32 = 8;
const RIGHT_TRANSPOSED = 1u;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

fn right_at(i: u32) -> vec4<f32> {
  return w[i];
}

fn put(i: u32, v: vec4<f32>) {
  dx[i] = v;
}

//!include ../matmul/block.wgsl

fn input_grad(group: vec3<u32>, lane: u32) {
  let class_h = group.z / params.strideW;
  let class_w = group.z % params.strideW;
  // The class's pixels are h = class_h + i · strideH, v = class_w + j · strideW. A tap at r sees them from the outputs
  // ho = i + (class_h + pad − r · dilation) / strideH: from none where that is no whole number.
  let height = (params.inH + params.strideH - 1u - class_h) / params.strideH;
  let width = (params.inW + params.strideW - 1u - class_w) / params.strideW;
  let rows = (group.y * LANES + lane) * 4u + vec4<u32>(0u, 1u, 2u, 3u);
  let col = group.x * COLUMNS;
  let channels = params.inChannels / 4u;
  let outputs = params.outChannels / 4u;
  let count = vec4<u32>(params.batch * height * width);
  let pixel = min(rows, max(count, vec4<u32>(1u)) - 1u);
  let line = pixel / max(width, 1u);
  let n = line / max(height, 1u);
  let i = line - n * height;
  let j = pixel - line * width;

  var own: Block;
  for (var r = 0u; r < params.filterH; r++) {
    let shift_h = i32(class_h + params.padTop) - i32(r * params.dilationH);
    if (shift_h % i32(params.strideH) != 0) {
      continue;
    }
    let ho = vec4<i32>(i) + shift_h / i32(params.strideH);
    let h_inside = (ho >= vec4<i32>(0)) & (ho < vec4<i32>(i32(params.outH)));
    for (var s = 0u; s < params.filterW; s++) {
      let shift_w = i32(class_w + params.padLeft) - i32(s * params.dilationW);
      if (shift_w % i32(params.strideW) != 0) {
        continue;
      }
      let wo = vec4<i32>(j) + shift_w / i32(params.strideW);
      let inside = h_inside & (wo >= vec4<i32>(0)) & (wo < vec4<i32>(i32(params.outW)));
      let at = select(vec4<u32>(), ((n * params.outH + vec4<u32>(ho)) * params.outW + vec4<u32>(wo)) * outputs, inside);
      let tap = ((r * params.filterW + s) * params.inChannels + col) * outputs;
      for (var k = 0u; k < outputs; k++) {
        let zero = vec4<f32>();
        let pixels = mat4x4<f32>(
          select(zero, dy[at.x + k], inside.x),
          select(zero, dy[at.y + k], inside.y),
          select(zero, dy[at.z + k], inside.z),
          select(zero, dy[at.w + k], inside.w),
        );
        own = accumulate(own, pixels, tap + k, outputs, 4u);
      }
    }
  }
  let h = class_h + i * params.strideH;
  let v = class_w + j * params.strideW;
  put_rows(own, ((n * params.inH + h) * params.inW + v) * channels + col / 4u, rows < count, channels - col / 4u);
}

// U = G w Gᵀ      w: the 3x3 taps between an input channel and four output channels
//
//      1   0   0
// G =  ½   ½   ½      see winograd_input.wgsl
//      ½  −½   ½
//      0   0   1
//
// A thread owns an input channel and four output channels of w [3, 3, C, K]. TURNED, the filter is turned by half a
// turn first: the gradient of the input is the convolution of dy with that. What then are sums over k reads U as it
// lies, transposed.
override TURNED: u32 = 0;

alias Value = vec4<f32>;

struct Params {
  inChannels: u32,
  outChannels: u32, // in Values
  // Where U lies, in Values: the distances between input channels and between the 16 places.
  channel: u32,
  place: u32,
}

@group(0) @binding(0) var<storage, read> w: array<Value>;
@group(0) @binding(1) var<storage, read_write> out: array<Value>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include winograd_store.wgsl

// Three taps of a row, transformed along the row.
fn taps(r: u32, at: u32) -> mat4x4<f32> {
  let size = params.inChannels * params.outChannels;
  let first = select(r * 3u, 8u - r * 3u, TURNED == 1u) * size + at;
  let step = select(size, 0u - size, TURNED == 1u);
  let g0 = w[first];
  let g1 = w[first + step];
  let g2 = w[first + 2u * step];
  let ends = 0.5 * (g0 + g2);
  let middle = 0.5 * g1;
  return mat4x4<f32>(g0, ends + middle, ends - middle, g2);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.inChannels * params.outChannels) {
    return;
  }
  let c = t / params.outChannels;
  let k = t - c * params.outChannels;
  let to = c * params.channel + k;
  let g0 = taps(0u, t);
  put_line(to, 0u, g0);
  let g2 = taps(2u, t);
  put_line(to, 3u, g2);
  let ends = 0.5 * (g0 + g2);
  let middle = 0.5 * taps(1u, t);
  put_line(to, 1u, ends + middle);
  put_line(to, 2u, ends - middle);
}

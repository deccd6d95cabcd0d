// V = Bᵀ d B      d: the 4x4 pixels of x [N, H, W, C] that a tile of 2x2 outputs sees, zeros outside of the image
//
//       1  0 −1  0
// Bᵀ =  0  1  1  0
//       0 −1  1  0
//       0  1  0 −1
//
// Winograd's F(2x2, 3x3): Lavin & Gray 2016, "Fast algorithms for convolutional neural networks", section 4.1. 16
// products a channel give four outputs, which take 36 otherwise.
// A thread owns four channels of a tile. A vector of a matrix is a pixel, so Bᵀ on rows is sums of whole matrices.
alias Value = vec4<f32>;
alias X = Value; // how it is stored: Values, or as f16

//!include winograd_geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Value>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include winograd_store.wgsl

// Four pixels of a line, transformed along the line.
fn line(n: u32, h: i32, left: i32, c: u32) -> mat4x4<f32> {
  let v = left + vec4<i32>(0, 1, 2, 3);
  let h_inside = (h >= 0) & (h < i32(params.inH));
  let inside = (v >= vec4<i32>(0)) & (v < vec4<i32>(i32(params.inW))) & vec4<bool>(h_inside);
  let at = select(vec4<u32>(), ((n * params.inH + u32(h)) * params.inW + vec4<u32>(v)) * params.channels, inside) + c;
  let zero = Value();
  let d0 = select(zero, Value(x[at.x]), inside.x);
  let d1 = select(zero, Value(x[at.y]), inside.y);
  let d2 = select(zero, Value(x[at.z]), inside.z);
  let d3 = select(zero, Value(x[at.w]), inside.w);
  return mat4x4<f32>(d0 - d2, d1 + d2, d2 - d1, d1 - d3);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.count * params.channels) {
    return;
  }
  let local = t / params.channels;
  let c = t - local * params.channels;
  let own = tile_of(local);
  let top = i32(own.ho) - params.padTop;
  let left = i32(own.wo) - params.padLeft;
  let to = local * params.tile + c;
  let d0 = line(own.n, top, left, c);
  let d2 = line(own.n, top + 2, left, c);
  put_line(to, 0u, d0 - d2);
  let d1 = line(own.n, top + 1, left, c);
  put_line(to, 1u, d1 + d2);
  put_line(to, 2u, d2 - d1);
  let d3 = line(own.n, top + 3, left, c);
  put_line(to, 3u, d1 - d3);
}

// out[n, i, j, :] = colour_n · (mean over taps of x[n] at view_n · (j, i)) + offset_n        out NHWC with C = 3
//
// One image to network input in one pass: rotation, flips, scale, crop (an affine map from output to source pixels,
// bilinear), colour jitter and normalisation (an affine map of the colour). x holds R, G, B, A bytes in a u32 per
// pixel. What is random is drawn on the CPU as these two maps, so that a seed gives the same picture on every adapter.
// Where a view shrinks the image, params.taps x params.taps samples a pixel are averaged. Outside the source, its edge
// goes on. A thread owns one output pixel.
alias Value = f32;
alias Out = Value; // how these are stored: Values, or as f16

struct Params {
  batch: u32,
  sourceH: u32,
  sourceW: u32,
  size: u32, // side of the output
  taps: u32,
}

// Output pixel (i, j) shows x at column = v0·j + v1·i + v2, row = v3·j + v4·i + v5.
@group(0) @binding(0) var<storage, read> x: array<u32>;         // [N, sourceH, sourceW]
@group(0) @binding(1) var<storage, read> view: array<f32>;      // [N, 6]: v0 to v5 of each image
@group(0) @binding(2) var<storage, read> colour: array<f32>;    // [N, 12]: three rows of (r, g, b, offset)
@group(0) @binding(3) var<storage, read_write> out: array<Out>; // [N, size, size, 3]
@group(0) @binding(4) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

fn pixel(n: u32, row: i32, column: i32) -> vec3<f32> {
  let h = u32(clamp(row, 0, i32(params.sourceH) - 1));
  let w = u32(clamp(column, 0, i32(params.sourceW) - 1));
  return unpack4x8unorm(x[(n * params.sourceH + h) * params.sourceW + w]).rgb;
}

fn sample(n: u32, row: f32, column: f32) -> vec3<f32> {
  // Coordinates far outside are brought near first: a conversion to i32 must not overflow.
  let r = clamp(row, -1.0, f32(params.sourceH));
  let c = clamp(column, -1.0, f32(params.sourceW));
  let r0 = floor(r);
  let c0 = floor(c);
  let top = mix(pixel(n, i32(r0), i32(c0)), pixel(n, i32(r0), i32(c0) + 1), c - c0);
  let bottom = mix(pixel(n, i32(r0) + 1, i32(c0)), pixel(n, i32(r0) + 1, i32(c0) + 1), c - c0);
  return mix(top, bottom, r - r0);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.batch * params.size * params.size) {
    return;
  }
  let j = t % params.size;
  let i = t / params.size % params.size;
  let n = t / params.size / params.size;
  let v = n * 6u;
  var sum = vec3<f32>(0.0);
  for (var a = 0u; a < params.taps; a++) {
    for (var b = 0u; b < params.taps; b++) {
      // The taps lie on a regular grid within the output pixel, around its centre.
      let y = f32(i) + (f32(a) + 0.5) / f32(params.taps) - 0.5;
      let z = f32(j) + (f32(b) + 0.5) / f32(params.taps) - 0.5;
      let row = view[v + 3u] * z + view[v + 4u] * y + view[v + 5u];
      let column = view[v] * z + view[v + 1u] * y + view[v + 2u];
      sum += sample(n, row, column);
    }
  }
  let rgb = sum / f32(params.taps * params.taps);
  let m = n * 12u;
  let red = vec3<f32>(colour[m], colour[m + 1u], colour[m + 2u]);
  let green = vec3<f32>(colour[m + 4u], colour[m + 5u], colour[m + 6u]);
  let blue = vec3<f32>(colour[m + 8u], colour[m + 9u], colour[m + 10u]);
  out[t * 3u] = Out(storable(dot(rgb, red) + colour[m + 3u]));
  out[t * 3u + 1u] = Out(storable(dot(rgb, green) + colour[m + 7u]));
  out[t * 3u + 2u] = Out(storable(dot(rgb, blue) + colour[m + 11u]));
}

// out[n, h, w, c] = byte c of pixel [n, h, w], a whole number from 0 to 255
// A pixel is a u32 of which the lowest byte is red; lines of pixels begin `pitch` of them apart. A thread owns one
// number.
struct Params {
  size: u32, // of out
  width: u32, // pixels of a line
  channels: u32, // 3, or 4 with alpha
  pitch: u32,
}

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.size) {
    return;
  }
  let pixel = t / params.channels;
  let line = pixel / params.width;
  let word = pixels[line * params.pitch + pixel - line * params.width];
  out[t] = f32((word >> (8u * (t - pixel * params.channels))) & 255u);
}

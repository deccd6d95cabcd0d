// out[i] = the c for which |x[i] - centre[c]|² is least, of equals the first      x is [n, d], centre [k, d]
//
// The assignment step of k-means (Lloyd 1982). Squares of differences, because |x|² - 2·x·c + |c|² cancels where it
// matters. A thread owns a point. Numbers of centres are written as f32, exact up to 2^24.
struct Params {
  n: u32,
  k: u32,
  d: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> centre: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include distance.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * 64u + lane;
  if (i >= params.n) {
    return;
  }
  var nearest = 0u;
  var least = squared_distance(i, 0u);
  for (var c = 1u; c < params.k; c++) {
    let distance = squared_distance(i, c);
    nearest = select(nearest, c, distance < least);
    least = select(least, distance, distance < least);
  }
  out[i] = f32(nearest);
}

// centre[c, j] ← Σ_p partial[p, c, j] / Σ_p partial[p, c, d]
// partial is [parts, k, d + 1], as kmeans_sums.wgsl makes it.
//
// The second pass of the update step: every centre moves to the mean of its points, one without points stays. A thread
// owns one coordinate of one centre.
struct Params {
  k: u32,
  d: u32,
  parts: u32,
}

@group(0) @binding(0) var<storage, read_write> centre: array<f32>;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.k * params.d) {
    return;
  }
  let row = t / params.d * (params.d + 1u);
  let stride = params.k * (params.d + 1u);
  var sum = 0.0;
  var count = 0.0;
  for (var p = 0u; p < params.parts; p++) {
    sum += partial[p * stride + row + t % params.d];
    count += partial[p * stride + row + params.d];
  }
  if (count > 0.0) {
    centre[t] = sum / count;
  }
}

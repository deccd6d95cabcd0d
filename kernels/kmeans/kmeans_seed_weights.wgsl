// weight[i] = min(weight[i], |x[i] - centre[r - 1]|²), 1 in round r = 0
// partial[p] = Σ weight[i] over the points of part p
//
// The first pass of choosing centre r as k-means++ does (Arthur & Vassilvitskii 2007): a point's weight is its squared
// distance to the nearest of the centres chosen so far, and those of earlier rounds are in weight[i] already. A thread
// owns a part, chunk points in a row.
struct Params {
  n: u32,
  d: u32,
  chunk: u32,
  parts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> centre: array<f32>;
@group(0) @binding(2) var<storage, read> seed: array<u32>; // seed, round
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include distance.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let p = flat_workgroup(group, groups) * 64u + lane;
  if (p >= params.parts) {
    return;
  }
  let round = seed[1];
  let last = max(round, 1u) - 1u;
  let end = min((p + 1u) * params.chunk, params.n);
  var sum = 0.0;
  for (var i = p * params.chunk; i < end; i++) {
    let distance = squared_distance(i, last);
    let least = select(min(weight[i], distance), distance, round == 1u);
    let w = select(least, 1.0, round == 0u);
    weight[i] = w;
    sum += w;
  }
  partial[p] = sum;
}

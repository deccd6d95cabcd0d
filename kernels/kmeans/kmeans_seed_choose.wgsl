// centre[r, j] ← x[i, j] for a point i drawn with probability weight[i] / Σ weight      r is the round
//
// The second pass of choosing a centre: the point at which the running sum of the weights passes u·Σ weight, u a random
// number in [0, 1) that depends on seed and round alone. First the part is found, then the point in it; where rounding
// lets the sum end too soon, the last with any weight is taken, and the first point where none has any. A thread owns
// one coordinate, and walks the d others' way again.
struct Params {
  n: u32,
  d: u32,
  chunk: u32,
  parts: u32,
}

@group(0) @binding(0) var<storage, read_write> centre: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> seed: array<u32>; // seed, round
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> partial: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../random/philox.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let j = flat_workgroup(group, groups) * 64u + lane;
  if (j >= params.d) {
    return;
  }
  var total = 0.0;
  for (var p = 0u; p < params.parts; p++) {
    total += partial[p];
  }
  let wanted = random4(0u, vec2<u32>(seed[0], seed[1]), 0u).x * total;

  var part = 0u;
  var before = 0.0;
  var sum = 0.0;
  for (var p = 0u; p < params.parts && sum <= wanted; p++) {
    if (partial[p] > 0.0) {
      part = p;
      before = sum;
    }
    sum += partial[p];
  }

  var chosen = part * params.chunk;
  let end = min(chosen + params.chunk, params.n);
  sum = before;
  for (var i = part * params.chunk; i < end && sum <= wanted; i++) {
    if (weight[i] > 0.0) {
      chosen = i;
    }
    sum += weight[i];
  }
  centre[seed[1] * params.d + j] = x[chosen * params.d + j];
}

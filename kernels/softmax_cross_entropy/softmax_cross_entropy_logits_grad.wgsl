// dx[n, k] = dloss[n] · (softmax(x)[n, k] · Σ_j t[n, j] − t[n, k])
//
// From loss = (Σ_j t_j)·logsumexp(x) − Σ_k t_k·x_k; targets need not sum to 1. A thread owns a row.
struct Params {
  rows: u32,
  classes: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read> dLoss: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include row_sums.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_workgroup(group, groups) * 64u + lane;
  if (row >= params.rows) {
    return;
  }
  let start = row * params.classes;
  let sums = row_sums(start, params.classes);
  var total = 0.0;
  for (var k = 0u; k < params.classes; k++) {
    total += t[start + k];
  }
  for (var k = 0u; k < params.classes; k++) {
    out[start + k] = dLoss[row] * (exponential(x[start + k] - sums.largest) / sums.sum * total - t[start + k]);
  }
}

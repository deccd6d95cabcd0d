// dx[n, k] = dloss[n] · (softmax(x)[n, k] · Σ_j t[n, j] − t[n, k])
//
// From loss = (Σ_j t_j)·logsumexp(x) − Σ_k t_k·x_k; targets need not sum to 1.
// A thread owns a row, or shares it (row_sums.wgsl).
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
  let row = row_of(flat_workgroup(group, groups), lane);
  sum_row(row, lane);
  var total = 0.0;
  for (var k = row.first; k < params.classes; k += ROW_THREADS) {
    total += t[row.start + k];
  }
  if (ROW_THREADS != 1u) {
    sum_threads(total, lane);
    total = piled[0];
  }
  for (var k = row.first; k < row.end; k += ROW_THREADS) {
    let i = row.start + k;
    out[i] = dLoss[row.number] * (exponential(x[i] - row_largest) / row_sum * total - t[i]);
  }
}

// loss[n] = −Σ_k t[n, k] · log softmax(x)[n, k] = Σ_k t[n, k] · ((max − x[n, k]) + log Σ_j exp(x[n, j] − max))
//
// Each term is a sum of two numbers that are not negative: nothing cancels, whatever the size of the logits.
// A thread owns a row, or shares it (row_sums.wgsl).
struct Params {
  rows: u32,
  classes: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let log_sum = logarithm(row_sum);
  var loss = 0.0;
  for (var k = row.first; k < params.classes; k += ROW_THREADS) {
    loss += t[row.start + k] * ((row_largest - x[row.start + k]) + log_sum);
  }
  if (ROW_THREADS != 1u) {
    sum_threads(loss, lane);
    loss = piled[0];
  }
  if (row.first == 0u && row.end > 0u) {
    out[row.number] = loss;
  }
}

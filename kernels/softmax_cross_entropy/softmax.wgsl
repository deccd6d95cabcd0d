// y[n, k] = exp(x[n, k]) / Σ_j exp(x[n, j]), or its logarithm
// A thread owns a row, or shares it (row_sums.wgsl).
override LOGARITHM: u32 = 0;

struct Params {
  rows: u32,
  classes: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

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
  for (var k = row.first; k < row.end; k += ROW_THREADS) {
    let shifted = x[row.start + k] - row_largest;
    if (LOGARITHM == 1u) {
      out[row.start + k] = shifted - log_sum;
    } else {
      out[row.start + k] = exponential(shifted) / row_sum;
    }
  }
}

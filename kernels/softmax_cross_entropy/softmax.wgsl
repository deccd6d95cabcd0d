// y[n, k] = exp(x[n, k]) / Σ_j exp(x[n, j]), or its logarithm
// A thread owns a row: the rows of a batch are few and short, and a thread that walks its row twice needs no barriers.
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
  let row = flat_workgroup(group, groups) * 64u + lane;
  if (row >= params.rows) {
    return;
  }
  let start = row * params.classes;
  let sums = row_sums(start, params.classes);
  let log_sum = logarithm(sums.sum);
  for (var k = 0u; k < params.classes; k++) {
    let shifted = x[start + k] - sums.largest;
    if (LOGARITHM == 1u) {
      out[start + k] = shifted - log_sum;
    } else {
      out[start + k] = exponential(shifted) / sums.sum;
    }
  }
}

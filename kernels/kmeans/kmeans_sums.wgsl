// partial[p, c, j] = Σ x[i, j] over the points i of part p whose centre is c; in column j = d their number
// partial is [parts, k, d + 1].
//
// The first pass of the update step. Part p holds the points p·chunk to (p + 1)·chunk - 1. A thread owns one sum and
// looks at every point of its part: no atomics, the same order and the same bits in every run, and neighbouring threads
// read the same point.
struct Params {
  n: u32,
  k: u32,
  d: u32,
  chunk: u32,
  size: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> nearest: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let j = t % (params.d + 1u);
  let c = f32(t / (params.d + 1u) % params.k);
  let first = t / (params.d + 1u) / params.k * params.chunk;
  let end = min(first + params.chunk, params.n);
  var sum = 0.0;
  for (var i = first; i < end; i++) {
    let value = select(1.0, x[i * params.d + min(j, params.d - 1u)], j < params.d);
    sum += select(0.0, value, nearest[i] == c);
  }
  partial[t] = sum;
}

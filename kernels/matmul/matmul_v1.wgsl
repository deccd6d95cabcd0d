// out[m, n] = Σ_k a(m, k) · b(k, n)      a and b are read through strides, so that either may lie transposed
//
// The naive version: the teacher, and the second opinion for the others.
// A thread owns one output element.
alias A = f32; // how the factors are stored: as f32 or as f16
alias B = f32;

struct Params {
  M: u32,
  N: u32,
  K: u32,
  a_m: u32, // distance between a(m, k) and a(m + 1, k)
  a_k: u32,
  b_k: u32,
  b_n: u32,
}

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.M * params.N) {
    return;
  }
  let m = t / params.N;
  let n = t % params.N;
  var sum = 0.0;
  for (var k = 0u; k < params.K; k++) {
    sum += f32(a[m * params.a_m + k * params.a_k]) * f32(b[k * params.b_k + n * params.b_n]);
  }
  out[t] = sum;
}

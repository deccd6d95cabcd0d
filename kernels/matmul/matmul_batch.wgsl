// out[z, m, n] = Σ_k a(z, m, k) · b(z, k, n)
// a and b are read through strides: either may lie transposed, or be the same for all z (a stride of 0).
//
// Many small products, as attention has. A thread owns TM x TN elements of one of them; with 1 x 1 it is the naive
// version.
alias A = f32; // how the factors are stored: as f32 or as f16
alias B = f32;

const TM = 4u;
const TN = 4u;

struct Params {
  products: u32,
  M: u32,
  N: u32,
  K: u32,
  a_z: u32, // distance between a(z, m, k) and a(z + 1, m, k)
  a_m: u32,
  a_k: u32,
  b_z: u32,
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
  let p = params;
  let down = (p.M + TM - 1u) / TM;
  let across = (p.N + TN - 1u) / TN;
  let z = t / across / down;
  if (z >= p.products) {
    return;
  }
  let m = t / across % down * TM;
  let n = t % across * TN;
  var sums = array<f32, TM * TN>();
  for (var k = 0u; k < p.K; k++) {
    var left = array<f32, TM>();
    for (var i = 0u; i < TM; i++) {
      left[i] = f32(a[z * p.a_z + min(m + i, p.M - 1u) * p.a_m + k * p.a_k]);
    }
    for (var j = 0u; j < TN; j++) {
      let right = f32(b[z * p.b_z + k * p.b_k + min(n + j, p.N - 1u) * p.b_n]);
      for (var i = 0u; i < TM; i++) {
        sums[i * TN + j] += left[i] * right;
      }
    }
  }
  for (var i = 0u; i < TM; i++) {
    for (var j = 0u; j < TN; j++) {
      if (m + i < p.M && n + j < p.N) {
        out[(z * p.M + m + i) * p.N + n + j] = sums[i * TN + j];
      }
    }
  }
}

// out[m, n] = Σ_k a[m, k] · b[k, n]      all three lie row by row, as vec4s; M and N are multiples of 64, K of 16
//
// The fourth step of docs/16-read-the-kernel.md, after matmul_step_several.wgsl: a load fetches four numbers. Of four
// depths a thread reads 4 + 4 vec4s, which make two matrices of 4 x 4; their product is 64 multiplications.
struct Params {
  N: u32, // in vec4s
  K: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> a_tile: array<vec4<f32>, 256>; // [row, four depths]: 64 x 4
var<workgroup> b_tile: array<vec4<f32>, 256>; // [depth, four columns]: 16 x 16

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
  let m = group.y * 64u;
  let n = group.x * 16u;
  let own = thread.y * 16u + thread.x;
  var sums = mat4x4<f32>(); // vector i is row i
  for (var first = 0u; first < params.K; first += 4u) {
    a_tile[own] = a[(m + own / 4u) * params.K + first + own % 4u];
    b_tile[own] = b[(first * 4u + thread.y) * params.N + n + thread.x];
    workgroupBarrier();
    for (var k = 0u; k < 4u; k++) {
      let r = thread.y * 16u + k;
      let c = k * 64u + thread.x;
      let rows = mat4x4<f32>(a_tile[r], a_tile[r + 4u], a_tile[r + 8u], a_tile[r + 12u]);
      let depths = mat4x4<f32>(b_tile[c], b_tile[c + 16u], b_tile[c + 32u], b_tile[c + 48u]);
      sums += depths * rows;
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    out[(m + thread.y * 4u + i) * params.N + n + thread.x] = sums[i];
  }
}

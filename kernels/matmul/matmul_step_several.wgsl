// out[m, n] = Σ_k a[m, k] · b[k, n]      all three lie row by row; M and N are multiples of 64, K of 16
//
// The third step of docs/16-read-the-kernel.md, after matmul_step_tile.wgsl: a thread computes several numbers. It owns
// 4 x 4 of them in registers, its workgroup 64 x 64. Of each depth it reads 4 + 4 numbers for 16 multiplications.
struct Params {
  N: u32,
  K: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> a_tile: array<f32, 1024>; // [row, depth]: 64 x 16
var<workgroup> b_tile: array<f32, 1024>; // [depth, column]: 16 x 64

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
  let m = group.y * 64u;
  let n = group.x * 64u;
  let own = thread.y * 16u + thread.x;
  var sums = array<vec4<f32>, 4>(); // one of each row
  for (var first = 0u; first < params.K; first += 16u) {
    for (var i = own; i < 1024u; i += 256u) {
      a_tile[i] = a[(m + i / 16u) * params.K + first + i % 16u];
      b_tile[i] = b[(first + i / 64u) * params.N + n + i % 64u];
    }
    workgroupBarrier();
    for (var k = 0u; k < 16u; k++) {
      let r = thread.y * 64u + k;
      let c = k * 64u + thread.x * 4u;
      let column = vec4<f32>(a_tile[r], a_tile[r + 16u], a_tile[r + 32u], a_tile[r + 48u]);
      let row = vec4<f32>(b_tile[c], b_tile[c + 1u], b_tile[c + 2u], b_tile[c + 3u]);
      sums[0] += column.x * row;
      sums[1] += column.y * row;
      sums[2] += column.z * row;
      sums[3] += column.w * row;
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      out[(m + thread.y * 4u + i) * params.N + n + thread.x * 4u + j] = sums[i][j];
    }
  }
}

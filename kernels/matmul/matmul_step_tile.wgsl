// out[m, n] = Σ_k a[m, k] · b[k, n]      all three lie row by row; M, N and K are multiples of 16
//
// The second step of docs/16-read-the-kernel.md, after matmul_v1.wgsl: the workgroup shares what it loads. It owns 16 x
// 16 numbers, a thread one of them. For every 16 depths each thread copies one number of a and one of b into workgroup
// memory, and all 256 threads compute from the copies: a number is loaded from the buffers once, not 16 times.
struct Params {
  N: u32,
  K: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> a_tile: array<f32, 256>; // [row, depth]
var<workgroup> b_tile: array<f32, 256>; // [depth, column]

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
  let m = group.y * 16u + thread.y;
  let n = group.x * 16u + thread.x;
  let own = thread.y * 16u + thread.x;
  var sum = 0.0;
  for (var first = 0u; first < params.K; first += 16u) {
    a_tile[own] = a[m * params.K + first + thread.x];
    b_tile[own] = b[(first + thread.y) * params.N + n];
    workgroupBarrier();
    for (var k = 0u; k < 16u; k++) {
      sum += a_tile[thread.y * 16u + k] * b_tile[k * 16u + thread.x];
    }
    workgroupBarrier();
  }
  out[m * params.N + n] = sum;
}

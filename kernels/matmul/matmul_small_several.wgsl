// out[begin + m·N + n] = Σ_k a(m, k) · b(k, n)      for several products, each with a stretch of `out` of its own
//
// Products that nobody waits for, by one launch: gradients of small weights (engine/program/joins.ts). Each is made as
// by matmul_small.wgsl, to the same bits. A workgroup has 64 threads of one of the products.
alias Value = f32;
alias A0 = Value; // how these are stored: Values, or as f16
alias A1 = Value;
alias A2 = Value;
alias B0 = Value;
alias B1 = Value;
alias B2 = Value;

struct Params {
  count: u32,
  // Of each product: its first workgroup, M, N, K.
  sizes: array<vec4<u32>, 3>,
  // The distance between a(m, k) and a(m + 1, k), a(m, k + 1), then between b(k, n) and b(k + 1, n), b(k, n + 1).
  strides: array<vec4<u32>, 3>,
  // Its first number in `out`, and ROWS, DEPTHS and DEPTH_FIRST of matmul_small.wgsl.
  shares: array<vec4<u32>, 3>,
}

@group(0) @binding(0) var<storage, read> a0: array<A0>;
@group(0) @binding(1) var<storage, read> a1: array<A1>;
@group(0) @binding(2) var<storage, read> a2: array<A2>;
@group(0) @binding(3) var<storage, read> b0: array<B0>;
@group(0) @binding(4) var<storage, read> b1: array<B1>;
@group(0) @binding(5) var<storage, read> b2: array<B2>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

//!include ../include/grid.wgsl

var<workgroup> sums: array<vec4<f32>, 64>;

fn a_at(product: u32, i: u32) -> f32 {
  switch (product) {
    case 0u: { return Value(a0[i]); }
    case 1u: { return Value(a1[i]); }
    default: { return Value(a2[i]); }
  }
}

fn b_at(product: u32, i: u32) -> f32 {
  switch (product) {
    case 0u: { return Value(b0[i]); }
    case 1u: { return Value(b1[i]); }
    default: { return Value(b2[i]); }
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let g = flat_workgroup(group, groups);
  var p = 0u;
  for (var next = 1u; next < params.count && params.sizes[next].x <= g; next++) {
    p = next;
  }
  let size = params.sizes[p];
  let stride = params.strides[p];
  let rows = params.shares[p].y;
  let depths = params.shares[p].z;
  let depth_first = params.shares[p].w == 1u;
  let columns = 64u / depths;
  let share = select(lane / columns, lane % depths, depth_first);
  let column = select(lane % columns, lane / depths, depth_first);
  let t = (g - size.x) * columns + column;
  let n = t % size.z;
  let m = t / size.z * rows;
  // Rows beyond the last are the last once more, and dropped.
  let at = min(m + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(size.y - 1u)) * stride.x;

  var sum = vec4<f32>();
  for (var k = share; k < size.w; k += depths) {
    let i = k * stride.y;
    let right = b_at(p, k * stride.z + n * stride.w);
    if (rows == 1u) {
      sum.x += a_at(p, i + at.x) * right;
    } else {
      sum += vec4<f32>(a_at(p, i + at.x), a_at(p, i + at.y), a_at(p, i + at.z), a_at(p, i + at.w)) * right;
    }
  }
  sums[column * depths + share] = sum;
  workgroupBarrier();
  if (share > 0u) {
    return;
  }
  for (var i = 1u; i < depths; i++) {
    sum += sums[column * depths + i];
  }
  for (var row = 0u; row < rows && m + row < size.y; row++) {
    out[params.shares[p].x + (m + row) * size.z + n] = sum[row];
  }
}

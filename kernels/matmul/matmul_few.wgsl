// out[m, n] = Σ_k a[m, k] · b(k, n)      for at most four rows m; b may lie transposed; K and N are multiples of 4
//
// A matrix of weights and a batch so small that reading the weights is the work: fully connected layers. In tiles of
// matmul_v2 most of a tile would be empty. A thread owns four columns, ROWS rows and every DEPTHS-th vec4 of the depth,
// and reads each weight once, as vec4s; the DEPTHS threads of the same columns leave their sums in workgroup memory,
// where the first adds them up in their order.
override ROWS: u32 = 4; // M
override LANES: u32 = 64;
override DEPTHS: u32 = 1; // divides LANES
override B_TRANSPOSED: u32 = 0;

alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias A = Value; // how these are stored: Values, or as f16; b is always weights
alias Out = Value;

struct Params {
  // In vec4s.
  N: u32,
  K: u32,
}

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ../epilogue/epilogue.wgsl

var<workgroup> sums: array<mat4x4<f32>, LANES>;

// Four columns at four depths: vector i of the matrix is depth i, or column i where b lies transposed.
fn four(n: u32, k: u32) -> mat4x4<f32> {
  let step = select(params.N, params.K, B_TRANSPOSED == 1u);
  let at = select(4u * k * params.N + n, 4u * n * params.K + k, B_TRANSPOSED == 1u);
  return mat4x4<f32>(b[at], b[at + step], b[at + 2u * step], b[at + 3u * step]);
}

fn times(weights: mat4x4<f32>, row: u32, k: u32) -> vec4<f32> {
  let v = Value(a[row * params.K + k]);
  if (B_TRANSPOSED == 1u) {
    return v * weights;
  }
  return weights * v;
}

fn put(row: u32, n: u32, v: vec4<f32>, own: Operands) {
  let i = row * params.N + n;
  out[i] = Out(storable(epilogue(v, i, own)));
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  // Neighbours have what lies side by side: columns, or depths where b lies transposed.
  let columns = LANES / DEPTHS;
  var share = 0u;
  var column = lane;
  if (DEPTHS > 1u) {
    share = select(lane / columns, lane % DEPTHS, B_TRANSPOSED == 1u);
    column = select(lane % columns, lane / DEPTHS, B_TRANSPOSED == 1u);
  }
  let n = flat_workgroup(group, groups) * columns + column;
  let here = min(n, params.N - 1u);

  var sum: mat4x4<f32>;
  for (var k = share; k < params.K; k += DEPTHS) {
    let weights = four(here, k);
    sum[0] += times(weights, 0u, k);
    if (ROWS > 1u) { sum[1] += times(weights, 1u, k); }
    if (ROWS > 2u) { sum[2] += times(weights, 2u, k); }
    if (ROWS > 3u) { sum[3] += times(weights, 3u, k); }
  }
  if (DEPTHS > 1u) {
    sums[lane] = sum;
    workgroupBarrier();
    if (share > 0u) {
      return;
    }
    for (var i = 1u; i < DEPTHS; i++) {
      sum = sum + sums[lane + i * select(columns, 1u, B_TRANSPOSED == 1u)];
    }
  }
  if (n >= params.N) {
    return;
  }
  let own = channel_operands(n, params.N);
  put(0u, n, sum[0], own);
  if (ROWS > 1u) { put(1u, n, sum[1], own); }
  if (ROWS > 2u) { put(2u, n, sum[2], own); }
  if (ROWS > 3u) { put(3u, n, sum[3], own); }
}

// What matmul_small.wgsl does. Who includes this says where a result goes: put.
override ROWS: u32 = 4;
override DEPTHS: u32 = 1; // a power of two up to 64
override DEPTH_FIRST: u32 = 0; // 1: neighbouring threads have neighbouring depths, not columns

alias A = Value; // how these are stored: Values, or as f16
alias B = Value;

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
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../epilogue/epilogue.wgsl

var<workgroup> sums: array<vec4<f32>, 64>;

// The thread's rows at depth k; rows beyond the last are the last once more, and dropped.
fn rows_at(m: u32, k: u32) -> vec4<f32> {
  let i = k * params.a_k;
  if (ROWS == 1u) {
    return vec4<f32>(Value(a[i + m * params.a_m]), 0.0, 0.0, 0.0);
  }
  let at = i + min(m + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.M - 1u)) * params.a_m;
  return vec4<f32>(Value(a[at.x]), Value(a[at.y]), Value(a[at.z]), Value(a[at.w]));
}

fn put_product(group: u32, lane: u32) {
  let columns = 64u / DEPTHS;
  let share = select(lane / columns, lane % DEPTHS, DEPTH_FIRST == 1u);
  let column = select(lane % columns, lane / DEPTHS, DEPTH_FIRST == 1u);
  let t = group * columns + column;
  let n = t % params.N;
  let m = t / params.N * ROWS;

  var sum = vec4<f32>();
  for (var k = share; k < params.K; k += DEPTHS) {
    sum += rows_at(min(m, params.M - 1u), k) * Value(b[k * params.b_k + n * params.b_n]);
  }
  if (DEPTHS > 1u) {
    sums[column * DEPTHS + share] = sum;
    workgroupBarrier();
    if (share > 0u) {
      return;
    }
    for (var i = 1u; i < DEPTHS; i++) {
      sum += sums[column * DEPTHS + i];
    }
  }
  let own = channel_operands(n, params.N);
  put(m, n, sum.x, own);
  if (ROWS == 4u) {
    put(m + 1u, n, sum.y, own);
    put(m + 2u, n, sum.z, own);
    put(m + 3u, n, sum.w, own);
  }
}

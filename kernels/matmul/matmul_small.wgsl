// out[m, n] = Σ_k a(m, k) · b(k, n)      a and b are read through strides, so that either may lie transposed
//
// For products so small that launching a kernel takes longer than computing: squeeze and excite, a classifier of two
// classes. One launch and no padding, whatever the sizes. A thread owns ROWS rows (1 or 4) of a column and every
// DEPTHS-th of the depth; the DEPTHS threads of a column leave their sums in workgroup memory, where the first adds
// them up in their order.
override ROWS: u32 = 4;
override DEPTHS: u32 = 1; // a power of two up to 64
override DEPTH_FIRST: u32 = 0; // 1: neighbouring threads have neighbouring depths, not columns

alias Value = f32;
alias A = Value; // how these are stored: Values, or as f16
alias B = Value;
alias Out = Value;

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
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
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

fn put(m: u32, n: u32, v: f32, own: Operands) {
  if (m < params.M) {
    let i = m * params.N + n;
    out[i] = Out(storable(epilogue(v, i, own)));
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let columns = 64u / DEPTHS;
  let share = select(lane / columns, lane % DEPTHS, DEPTH_FIRST == 1u);
  let column = select(lane % columns, lane / DEPTHS, DEPTH_FIRST == 1u);
  let t = flat_workgroup(group, groups) * columns + column;
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

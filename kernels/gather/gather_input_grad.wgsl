// dx[o, a, i] = Σ_j dy[o, j, i] where indices[j] = a
// Every element looks at all indices, in their order: no atomics, and the same bits at each run. A Value is four
// neighbours along i, or one. A thread owns one.
alias Value = vec4<f32>;
alias Dy = Value; // how each binding is stored: Values, or as f16
alias Dx = Value;

struct Params {
  size: u32, // of dx, in Values
  inner: u32, // values of i, in Values
  length: u32, // of the dimension of dx that was gathered from
  count: u32, // of indices
}

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> dx: array<Dx>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

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
  let row = t / params.inner;
  let i = t - row * params.inner;
  let o = row / params.length;
  let a = row - o * params.length;
  var sum = Value(0.0);
  for (var j = 0u; j < params.count; j++) {
    if (indices[j] == a) {
      sum += Value(dy[(o * params.count + j) * params.inner + i]);
    }
  }
  dx[t] = Dx(storable(sum));
}

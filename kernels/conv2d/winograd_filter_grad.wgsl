// dw = Gᵀ dU G      dU [16, C, K]: the 16 sums over tiles of products V · dM; dw [3, 3, C, K]
//
// The adjoint of winograd_filter.wgsl.
// A thread owns an input channel and four output channels. Tiles come in chunks; all but the first add to what the ones
// before left.
alias Value = vec4<f32>;

struct Params {
  size: u32, // C · K in Values
  adds: u32,
}

@group(0) @binding(0) var<storage, read> du: array<Value>;
@group(0) @binding(1) var<storage, read_write> dw: array<Value>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl

fn line(at: u32) -> mat4x4<f32> {
  return mat4x4<f32>(du[at], du[at + params.size], du[at + 2u * params.size], du[at + 3u * params.size]);
}

fn put(at: u32, v: Value) {
  // What a first chunk finds there means nothing, and may be no number.
  if (params.adds == 1u) {
    dw[at] += v;
  } else {
    dw[at] = v;
  }
}

fn put_row(at: u32, v: mat4x4<f32>) {
  let ends = 0.5 * (v[1] + v[2]);
  put(at, v[0] + ends);
  put(at + params.size, 0.5 * (v[1] - v[2]));
  put(at + 2u * params.size, ends + v[3]);
}

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
  // Rows are read when they are wanted: see winograd_store.wgsl.
  let u1 = line(t + 4u * params.size);
  let u2 = line(t + 8u * params.size);
  put_row(t + 3u * params.size, 0.5 * (u1 - u2));
  let ends = 0.5 * (u1 + u2);
  put_row(t, line(t) + ends);
  put_row(t + 6u * params.size, ends + line(t + 12u * params.size));
}

// p[i] ← p[i] + momentum·(scale·value[i] − p[i])
// scale is scale0 in the first `half` elements and scale1 in the others.
//
// An exponential moving average, in place. The two scales serve running statistics [2, C], whose variances become
// unbiased on the way. With GUARDED, nothing changes where guard[0] is not finite, as in adam.wgsl.
// A thread owns one element.
override GUARDED: u32 = 0;

struct Params {
  size: u32,
  half: u32,
  momentum: f32,
  scale0: f32,
  scale1: f32,
}

@group(0) @binding(0) var<storage, read_write> p: array<f32>;
@group(0) @binding(1) var<storage, read> value: array<f32>;
@group(0) @binding(2) var<storage, read> guard: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * 64u + lane;
  let finite = (bitcast<u32>(guard[0]) & 0x7f800000u) != 0x7f800000u;
  if (i >= params.size || (GUARDED == 1u && !finite)) {
    return;
  }
  let scale = select(params.scale1, params.scale0, i < params.half);
  p[i] += params.momentum * (scale * value[i] - p[i]);
}

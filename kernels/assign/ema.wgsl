// p[i] ← p[i] + momentum·(scale·value[i] − p[i])
//
// An exponential moving average, in place, of tensors that lie one behind the other. Each half of a tensor has a scale
// of its own: of running statistics [2, C] the variances become unbiased on the way. What lies unused between two
// tensors changes too, and nobody reads it. With GUARDED, nothing changes where guard[0] is not finite, as in
// adam.wgsl.
// A thread owns one element.
override GUARDED: u32 = 0;

struct Params {
  size: u32,
  count: u32,
  momentum: f32,
  // Of each tensor: its first element, the first of its second half, the bits of the scales of both.
  tensors: array<vec4<u32>, 64>,
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
  var own = params.tensors[0];
  for (var t = 1u; t < params.count && params.tensors[t].x <= i; t++) {
    own = params.tensors[t];
  }
  let scale = bitcast<f32>(select(own.w, own.z, i < own.y));
  let whole = scale * value[i];
  let moved = p[i] + params.momentum * (whole - p[i]);
  p[i] = select(moved, whole, params.momentum == 1.0); // exactly
}

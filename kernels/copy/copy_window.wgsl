// out[i] = x[i + shift] where that lies inside x, else 0
//
// shift > 0 cuts a part out of x, shift < 0 lays x into a larger tensor of zeros: each is the other's adjoint.
// A thread owns one output element.
struct Params {
  size: u32,  // of out
  xSize: u32,
  shift: i32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = flat_workgroup(group, groups) * 64u + lane;
  if (i >= params.size) {
    return;
  }
  let start = i32(i) + params.shift;
  let inside = start >= 0 && start < i32(params.xSize);
  out[i] = select(0.0, x[select(0, start, inside)], inside);
}

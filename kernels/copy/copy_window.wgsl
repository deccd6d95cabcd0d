// out[r, i] = x[r, i + shift] where that lies inside row r of x, else 0
//
// shift > 0 cuts a part out of every row, shift < 0 lays the rows into larger ones of zeros: each is the other's
// adjoint. A thread owns one output element.
struct Params {
  rows: u32,
  size: u32,  // of a row of out
  xSize: u32, // of a row of x
  shift: i32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.rows * params.size) {
    return;
  }
  let start = i32(t % params.size) + params.shift;
  let inside = start >= 0 && start < i32(params.xSize);
  out[t] = select(0.0, x[t / params.size * params.xSize + u32(select(0, start, inside))], inside);
}

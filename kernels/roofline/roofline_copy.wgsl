// out = x
//
// How fast the adapter moves memory when it does nothing else: what other kernels' GB/s are measured against. A
// workgroup owns 1024 consecutive numbers, a thread 4 vectors of 4, a workgroup's width apart, so that neighbours read
// neighbours.
struct Params {
  vectors: u32,  // of 4 numbers each
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let start = flat_workgroup(group, groups) * 256u + lane;
  for (var i = start; i < min(start + 256u, params.vectors); i += 64u) {
    out[i] = x[i];
  }
}

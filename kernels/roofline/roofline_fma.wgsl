// out[i] = x[i] + count, one at a time: count times a = a · one + one with one = 1
//
// How fast the adapter computes when it does nothing else: what other kernels' GFLOP/s are measured against. `one`
// comes from a uniform, so that no compiler can take the chain apart. A thread owns 8 numbers, each a chain of its own:
// enough to hide the latency of one multiply-add behind the other seven, and few enough for the registers of a software
// adapter.
struct Params {
  threads: u32,
  count: u32,  // a multiple of 8
  one: f32,
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
  let thread = flat_workgroup(group, groups) * 64u + lane;
  if (thread >= params.threads) {
    return;
  }
  let one = vec4<f32>(params.one);
  var a = x[2u * thread];
  var b = x[2u * thread + 1u];
  for (var i = 0u; i < params.count; i += 8u) {
    a = fma(a, one, one); b = fma(b, one, one);
    a = fma(a, one, one); b = fma(b, one, one);
    a = fma(a, one, one); b = fma(b, one, one);
    a = fma(a, one, one); b = fma(b, one, one);
    a = fma(a, one, one); b = fma(b, one, one);
    a = fma(a, one, one); b = fma(b, one, one);
    a = fma(a, one, one); b = fma(b, one, one);
    a = fma(a, one, one); b = fma(b, one, one);
  }
  out[2u * thread] = a;
  out[2u * thread + 1u] = b;
}

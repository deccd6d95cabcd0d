// out[i] = the i-th number in [0, 1) of the stream that (seed, step) and `stream` name
// A thread owns four neighbouring elements: what one call of the generator gives.
struct Params {
  size: u32,
  stream: u32,
}

@group(0) @binding(0) var<storage, read> seed: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include philox.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  let i = 4u * t;
  if (i >= params.size) {
    return;
  }
  let random = random4(t, vec2<u32>(seed[0], seed[1]), params.stream);
  out[i] = random.x;
  if (i + 1u < params.size) { out[i + 1u] = random.y; }
  if (i + 2u < params.size) { out[i + 2u] = random.z; }
  if (i + 3u < params.size) { out[i + 3u] = random.w; }
}

// out[i] = x[i] · scale where the i-th random number of the stream is at least `rate`, else 0
// scale = 1/(1 − rate)
//
// Srivastava et al. 2014, scaled in training rather than at inference. The mask is a function of
// (seed, step, stream, i), so the backward pass is this kernel on dy, and no mask is stored. A thread owns four
// neighbouring elements.
alias Value = f32;
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

struct Params {
  size: u32,
  stream: u32,
  rate: f32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> seed: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
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
  let factor = select(vec4<f32>(0.0), vec4<f32>(params.scale), random >= vec4<f32>(params.rate));
  out[i] = Out(storable(Value(x[i]) * factor.x));
  if (i + 1u < params.size) { out[i + 1u] = Out(storable(Value(x[i + 1u]) * factor.y)); }
  if (i + 2u < params.size) { out[i + 2u] = Out(storable(Value(x[i + 2u]) * factor.z)); }
  if (i + 3u < params.size) { out[i + 3u] = Out(storable(Value(x[i + 3u]) * factor.w)); }
}

// g' = g·hyper[1] + weightDecay·w
// m ← momentum·m + (1 − dampening)·g'
// w ← w − lr·m, or with Nesterov's momentum w ← w − lr·(g' + momentum·m)
//
// Stochastic gradient descent with momentum as Sutskever et al. 2013 and PyTorch write it, the weight decay added to
// the gradient (L2), in place. hyper is what changes from step to step: the learning rate, and what the gradient is
// multiplied by. With GUARDED, nothing changes where guard[0] is not finite, as in adam.wgsl.
// A thread owns one Value of the weights and their momentum.
alias Value = vec4<f32>;
override GUARDED: u32 = 0;

struct Params {
  size: u32, // in Values
  momentum: f32,
  nesterov: u32,
  weightDecay: f32,
  undamped: f32, // 1 − dampening
}

@group(0) @binding(0) var<storage, read_write> w: array<Value>;
@group(0) @binding(1) var<storage, read_write> m: array<Value>;
@group(0) @binding(2) var<storage, read> g: array<Value>;
@group(0) @binding(3) var<storage, read> hyper: array<f32>;
@group(0) @binding(4) var<storage, read> guard: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

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
  let weight = w[i];
  let gradient = g[i] * hyper[1] + weight * params.weightDecay;
  let velocity = m[i] * params.momentum + gradient * params.undamped;
  m[i] = velocity;
  w[i] = weight - select(velocity, gradient + velocity * params.momentum, params.nesterov == 1u) * hyper[0];
}

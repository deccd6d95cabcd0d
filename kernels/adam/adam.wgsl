// g' = g·hyper[3]
// m ← β₁·m + (1 − β₁)·g',  v ← β₂·v + (1 − β₂)·g'²
// w ← w − lr·( (m/hyper[1]) / (√(v/hyper[2]) + ε) + weightDecay·w )
//
// Adam (Kingma & Ba 2015, algorithm 1) with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), in place.
// hyper is what changes from step to step: the learning rate, 1 − β₁ᵗ, 1 − β₂ᵗ, and what the gradient is multiplied by.
// Where guard[0], the loss, is not finite, nothing changes: the step can be repeated to find out where it went wrong.
// Tested on bits, because WGSL lets a compiler assume that NaN and infinity do not happen.
// A thread owns one Value of the weights and their moments.
alias Value = vec4<f32>;

struct Params {
  size: u32, // in Values
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1 − beta1 and 1 − beta2, taken where there are digits enough: 1 − 0.999 in f32 has an error of 3e-5
  rest2: f32,
  epsilon: f32,
  weightDecay: f32,
}

@group(0) @binding(0) var<storage, read_write> w: array<Value>;
@group(0) @binding(1) var<storage, read_write> m: array<Value>;
@group(0) @binding(2) var<storage, read_write> v: array<Value>;
@group(0) @binding(3) var<storage, read> g: array<Value>;
@group(0) @binding(4) var<storage, read> hyper: array<f32>;
@group(0) @binding(5) var<storage, read> guard: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * 64u + lane;
  let finite = (bitcast<u32>(guard[0]) & 0x7f800000u) != 0x7f800000u;
  if (i >= params.size || !finite) {
    return;
  }
  let gradient = g[i] * hyper[3];
  let first = m[i] * params.beta1 + gradient * params.rest1;
  let second = v[i] * params.beta2 + gradient * gradient * params.rest2;
  let weight = w[i];
  let step = (first / hyper[1]) / (sqrt(second / hyper[2]) + params.epsilon) + weight * params.weightDecay;
  m[i] = first;
  v[i] = second;
  w[i] = weight - step * hyper[0];
}

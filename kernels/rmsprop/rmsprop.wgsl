// g' = g·hyper[1] + weightDecay·w
// v ← decay·v + (1 − decay)·g'²
// m ← momentum·m + g' / (√v + ε)
// w ← w − lr·m
//
// RMSprop (Tieleman & Hinton 2012, lecture 6.5) as PyTorch writes it, the weight decay added to the gradient (L2), in
// place. CENTRED, √(v − a²) takes the place of √v (Graves 2013, equations 38 to 45), with a ← decay·a + (1 − decay)·g'.
// hyper is what changes from step to step: the learning rate, and what the gradient is multiplied by.
// A thread owns one Value of the weights and their state.
alias Value = vec4<f32>;

override CENTRED: u32 = 0;

struct Params {
  size: u32, // in Values
  decay: f32,
  rest: f32, // 1 − decay
  momentum: f32,
  epsilon: f32,
  weightDecay: f32,
}

@group(0) @binding(0) var<storage, read_write> w: array<Value>;
@group(0) @binding(1) var<storage, read_write> v: array<Value>;
@group(0) @binding(2) var<storage, read_write> m: array<Value>;
@group(0) @binding(3) var<storage, read_write> a: array<Value>;
@group(0) @binding(4) var<storage, read> g: array<Value>;
@group(0) @binding(5) var<storage, read> hyper: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * 64u + lane;
  if (i >= params.size) {
    return;
  }
  let weight = w[i];
  let gradient = g[i] * hyper[1] + weight * params.weightDecay;
  let square = v[i] * params.decay + gradient * gradient * params.rest;
  v[i] = square;
  var variance = square;
  if (CENTRED == 1u) {
    let average = a[i] * params.decay + gradient * params.rest;
    a[i] = average;
    variance = max(square - average * average, Value(0.0)); // rounding may leave less than nothing
  }
  let velocity = m[i] * params.momentum + gradient / (sqrt(variance) + params.epsilon);
  m[i] = velocity;
  w[i] = weight - velocity * hyper[0];
}

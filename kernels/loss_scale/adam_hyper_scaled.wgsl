// out = [hyper[0], β₁·c₁ + (1 − β₁), β₂·c₂ + (1 − β₂), hyper[3]/scale]      state = [scale, good steps, c₁, c₂]
//
// Adam's hyperparameters (adam.wgsl) where the gradients are those of the loss times state[0], and steps may have been
// left out: c = 1 − βᵗ counts the t steps that were taken, which only the GPU knows. Its recurrence adds positive
// numbers only, where 1 − βᵗ itself would cancel. One thread does it all.
struct Params {
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1 − beta1 and 1 − beta2, taken where there are digits enough
  rest2: f32,
}

@group(0) @binding(0) var<storage, read> state: array<f32>;
@group(0) @binding(1) var<storage, read> hyper: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  out[0] = hyper[0];
  out[1] = params.beta1 * state[2] + params.rest1;
  out[2] = params.beta2 * state[3] + params.rest2;
  out[3] = hyper[3] / state[0];
}

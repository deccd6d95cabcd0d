// out = [hyper[0], 1 − β₁ᵗ, 1 − β₂ᵗ, hyper[1]/scale[0]]      t = taken[0] + 1
//
// What adam.wgsl is told at a step, where some steps may have been left out, which only the GPU knows: `taken` counts
// the others. Gradients of a scaled loss (SCALED) have its scale taken off. One thread does it all.
override SCALED: u32 = 0;

struct Params {
  log1: f32, // the logarithms of β₁ and β₂
  log2: f32,
}

@group(0) @binding(0) var<storage, read> taken: array<f32>;
@group(0) @binding(1) var<storage, read> hyper: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// 1 − eˣ for x <= 0. Near 0, where 1 − exp(x) would cancel, the series −x(1 + x/2(1 + x/3(1 + ...))): its first term
// that is left out is below 2e-8 of it.
fn one_minus_exp(x: f32) -> f32 {
  let tail = 1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0 * (1.0 + x / 7.0)));
  let series = -x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * tail));
  return select(1.0 - exp(x), series, x > -0.35);
}

@compute @workgroup_size(1)
fn main() {
  let t = taken[0] + 1.0;
  out[0] = hyper[0];
  out[1] = one_minus_exp(max(t * params.log1, -80.0));
  out[2] = one_minus_exp(max(t * params.log2, -80.0));
  var factor = hyper[1];
  if (SCALED == 1u) {
    factor = factor / scale[0];
  }
  out[3] = factor;
}

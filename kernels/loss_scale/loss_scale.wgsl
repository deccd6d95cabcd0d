// state = [scale, good steps since it last changed, c₁, c₂]
// guard[0] finite: c ← hyper[1..2], and after `growAfter` good steps scale ← 2·scale
// guard[0] not finite: scale ← scale/2, and the count begins anew
//
// Dynamic loss scaling (Micikevicius et al. 2018, section 3.2): as large a scale as the gradients bear, so that small
// ones do not vanish in f16. Powers of two, which change no digit; bounded, so that neither the scale nor what it is
// divided by overflows where it never meets an overflow or nothing else. The guard is tested on bits (guard.wgsl). One
// thread does it all.
struct Params {
  growAfter: u32,
  least: f32,
  most: f32,
}

@group(0) @binding(0) var<storage, read_write> state: array<f32>;
@group(0) @binding(1) var<storage, read> hyper: array<f32>;
@group(0) @binding(2) var<storage, read> guard: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  if ((guard[0] & 0x7f800000u) == 0x7f800000u) {
    state[0] = max(state[0] * 0.5, params.least);
    state[1] = 0.0;
    return;
  }
  let good = state[1] + 1.0;
  let grows = good >= f32(params.growAfter);
  state[0] = select(state[0], min(state[0] * 2.0, params.most), grows);
  state[1] = select(good, 0.0, grows);
  state[2] = hyper[1];
  state[3] = hyper[2];
}

// The sums of a batch norm's gradient, by the kernel that makes the cotangent dy of what the batch norm made:
//   dγ = Σ dz·x̂ and dβ = Σ dz, with x̂ = (x − mean)/√(variance + ε), z = γ·x̂ + β, dz = dy·activate'(z)
// of the numbers as they are stored, so that nobody has to read them for it; x, `normed`, is read here instead. Each
// thread sums those that it stores in its Value of channels, and the threads of a workgroup that stand below each other
// (include/depth.wgsl) add theirs up: `partial` is [parts, 2, C], a part for each workgroup and Value of channels. Who
// includes this says where these two are bound. of_channel is that of normalised.wgsl.
alias Normed = Value; // how it is stored: Values, or as f16

//!include normalised.wgsl
//!include ../include/depth.wgsl

// Of the thread's channels: set by `begin_sums`.
var<private> summed_norm: Norm;
// Σ dz·(x − mean) and Σ dz.
var<private> sum_dz_x: Value;
var<private> sum_dz: Value;

fn begin_sums(channel: u32, channels: u32) {
  let scale = of_channel[2u * channels + channel] * of_channel[channels + channel];
  summed_norm = Norm(of_channel[channel], scale, of_channel[3u * channels + channel]);
}

// The cotangent `dy` of the number at the index i.
fn add_to_sums(i: u32, dy: Value) {
  let x = Value(normed[i]) - summed_norm.mean;
  let dz = dy * activate_grad(x * summed_norm.scale + summed_norm.shift);
  sum_dz_x += dz * x;
  sum_dz += dz;
}

// Channels are counted in Values. To be called by all threads of a workgroup.
fn put_sums(part: u32, channel: u32, channels: u32, lane: u32, inside: bool) {
  sum_depth(sum_dz_x, lane);
  let total = piled[lane];
  sum_depth(sum_dz, lane);
  if (lane < COLUMNS && inside) {
    let at = part * 2u * channels + channel;
    partial[at] = total * of_channel[channels + channel];
    partial[at + channels] = piled[lane];
  }
}

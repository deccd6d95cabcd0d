// What a kernel reads, made into what batch_norm_apply.wgsl would have written, where NORMALISED: that is then neither
// written nor read. of_channel is [4, C], what batch_norm_coefficients.wgsl makes.
//!include activation.wgsl

override NORMALISED: u32 = 0;

@group(0) @binding(8) var<storage, read> of_channel: array<Value>;

struct Norm {
  mean: Value,
  scale: Value,
  shift: Value,
}

// Of the thread's channels: set by `main`, so that no function has to hand it on.
var<private> own_norm: Norm;

// Channels are counted in Values.
fn norm_of(channel: u32, channels: u32) -> Norm {
  var norm = Norm();
  if (NORMALISED == 1u) {
    norm.mean = of_channel[channel];
    norm.scale = of_channel[2u * channels + channel] * of_channel[channels + channel];
    norm.shift = of_channel[3u * channels + channel];
  }
  return norm;
}

fn normalised(v: Value) -> Value {
  if (NORMALISED == 1u) {
    return activate((v - own_norm.mean) * own_norm.scale + own_norm.shift);
  }
  return v;
}

// What batch_norm_sums.wgsl does. Who includes this says where the cotangent comes from: dy_at.
//!include ../include/grid.wgsl
//!include ../include/depth.wgsl
//!include rows.wgsl
//!include deep_rows.wgsl
//!include activation.wgsl

fn put_norm_sums(group: u32, lane: u32) {
  let mine = deep_share_of(group, lane);
  let step = params.channels;
  let mean = stats[mine.channel];
  let inverse = inverseSqrt(stats[step + mine.channel] + params.epsilon);
  let g = gamma[mine.channel];
  let b = beta[mine.channel];
  var dBeta = Value(0.0);
  var dGamma = Value(0.0);
  var i = mine.first * step + mine.channel;
  for (var row = mine.first; row < mine.end; row += DEPTH) {
    let normal = (Value(x[i]) - mean) * inverse;
    let dz = dy_at(i) * activate_grad(g * normal + b);
    dBeta += dz;
    dGamma += dz * normal;
    i += DEPTH * step;
  }
  if (DEPTH != 1u) {
    sum_depth(dGamma, lane);
    dGamma = piled[lane];
    sum_depth(dBeta, lane);
    dBeta = piled[lane];
  }
  if (mine.inside) {
    let at = mine.part * 2u * step + mine.channel;
    out[at] = dGamma;
    out[at + step] = dBeta;
  }
}

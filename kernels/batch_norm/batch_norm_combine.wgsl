// Joins `group` neighbouring partial statistics into one (Chan, Golub & LeVeque 1979, eq. 2.1):
//   n = n_a + n_b, δ = mean_b − mean_a, mean = mean_a + δ·n_b/n, squares = squares_a + squares_b + δ²·n_a·n_b/n
// x is [parts, 2, channels] as batch_norm_stats.wgsl leaves it, each part from `chunk` rows (the last from what is
// left); out is [ceil(parts / group), 2, channels]. Repeated until one part is left, whose squares are then scaled to
// the variance. A thread owns one channel of one output part.
struct Params {
  rows: u32,
  channels: u32,
  chunk: u32,
  parts: u32,
  group: u32,
  scale: f32, // of the squares: 1, or 1/rows in the last pass
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  let c = params.channels;
  let joined = t / c;
  let first = joined * params.group;
  if (first >= params.parts) {
    return;
  }
  let channel = t % c;
  var mean = 0.0;
  var squares = 0.0;
  var count = 0.0;
  var i = first * 2u * c + channel;
  for (var part = first; part < min(first + params.group, params.parts); part++) {
    let n = f32(min(params.chunk, params.rows - part * params.chunk));
    let delta = x[i] - mean;
    let weight = n / (count + n);
    squares += x[i + c] + delta * delta * (count * weight);
    mean += delta * weight;
    count += n;
    i += 2u * c;
  }
  let at = joined * 2u * c + channel;
  out[at] = mean;
  out[at + c] = squares * params.scale;
}

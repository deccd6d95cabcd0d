// partial[n, p, c] = scale · Σ y[row, c]  over the rows of chunk p of sample n, y being that of batch_norm_apply.wgsl
//
// Pools what is normalised without its being written. kernels/reduce adds the chunks up, where a sample has several.
// A thread owns a Value of channels in a chunk of rows, or shares them (deep_rows.wgsl).
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how it is stored: Values, or as f16

struct Params {
  samples: u32,
  rows: u32,     // of a sample
  channels: u32, // in Values
  chunk: u32,
  parts: u32,    // of a sample
  epsilon: f32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> stats: array<Value>;
@group(0) @binding(2) var<storage, read> gamma: array<Value>;
@group(0) @binding(3) var<storage, read> beta: array<Value>;
@group(0) @binding(4) var<storage, read_write> out: array<Value>;
@group(0) @binding(5) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/depth.wgsl
//!include rows.wgsl
//!include deep_rows.wgsl
//!include activation.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let mine = deep_share_of(flat_workgroup(group, groups), lane);
  let step = params.channels;
  let mean = stats[mine.channel];
  let factor = gamma[mine.channel] * inverseSqrt(stats[step + mine.channel] + params.epsilon);
  let shift = beta[mine.channel];
  var sum = Value(0.0);
  var i = mine.first * step + mine.channel;
  for (var row = mine.first; row < mine.end; row += DEPTH) {
    sum += activate((Value(x[i]) - mean) * factor + shift);
    i += DEPTH * step;
  }
  if (DEPTH != 1u) {
    sum_depth(sum, lane);
    sum = piled[lane];
  }
  if (mine.inside) {
    out[mine.part * step + mine.channel] = sum * params.scale;
  }
}

// What batch_norm_gate_sums.wgsl does. Who includes this says what else becomes of the gate's cotangent: put_gate_grad.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias Dy = Value; // how these are stored: Values, or as f16
alias X = Value;

struct Params {
  samples: u32,
  rows: u32,     // of a sample
  channels: u32, // in Values
  chunk: u32,
  parts: u32,    // of a sample
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read> stats: array<Value>;
@group(0) @binding(3) var<storage, read> gamma: array<Value>;
@group(0) @binding(4) var<storage, read> beta: array<Value>;
@group(0) @binding(5) var<storage, read_write> out: array<Value>;
@group(0) @binding(6) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/depth.wgsl
//!include rows.wgsl
//!include deep_rows.wgsl
//!include activation.wgsl

// The sum over the threads that share a chunk.
fn shared_sum(own: Value, lane: u32) -> Value {
  sum_depth(own, lane);
  return piled[lane];
}

fn put_gate_sums(group: u32, lane: u32) {
  let mine = deep_share_of(group, lane);
  let step = params.channels;
  let mean = stats[mine.channel];
  let inverse = inverseSqrt(stats[step + mine.channel] + params.epsilon);
  let g = gamma[mine.channel];
  let b = beta[mine.channel];
  var sum0 = Value(0.0);
  var sum1 = Value(0.0);
  var sum2 = Value(0.0);
  var sum3 = Value(0.0);
  var sum4 = Value(0.0);
  var i = mine.first * step + mine.channel;
  for (var row = mine.first; row < mine.end; row += DEPTH) {
    let normal = (Value(x[i]) - mean) * inverse;
    let z = g * normal + b;
    let slope = activate_grad(z);
    let cotangent = Value(dy[i]);
    let dz = cotangent * slope;
    sum0 += cotangent * activate(z);
    sum1 += dz * normal;
    sum2 += slope * normal;
    sum3 += dz;
    sum4 += slope;
    i += DEPTH * step;
  }
  if (DEPTH != 1u) {
    sum0 = shared_sum(sum0, lane);
    sum1 = shared_sum(sum1, lane);
    sum2 = shared_sum(sum2, lane);
    sum3 = shared_sum(sum3, lane);
    sum4 = shared_sum(sum4, lane);
  }
  if (mine.inside) {
    let all = params.samples * params.parts * step;
    let at = mine.part * step + mine.channel;
    out[at] = sum0;
    out[at + all] = sum1;
    out[at + 2u * all] = sum2;
    out[at + 3u * all] = sum3;
    out[at + 4u * all] = sum4;
    put_gate_grad(at, sum0);
  }
}

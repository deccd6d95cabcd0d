// partial[p, 0, c] = mean of x[row, c] over the rows of chunk p
// partial[p, 1, c] = Σ (x[row, c] − that mean)²
// partial[p, 2, c] = how many rows those are
//
// The sum of squares minus the square of the sum would cancel where the mean is large beside the deviation. Here four
// rows at a time get their own mean and squares in registers (two passes that cost no memory), which then join the
// chunk's by the update of Chan, Golub & LeVeque 1979 (eq. 2.1): only differences of means are ever squared.
// A thread owns a Value of channels in a chunk of rows, or shares them (deep_rows.wgsl). batch_norm_combine.wgsl joins
// the chunks.
alias Value = vec4<f32>;
alias X = Value; // how these are stored: Values, or as f16

struct Params {
  samples: u32,
  rows: u32,     // of a sample
  channels: u32, // in Values
  chunk: u32,    // rows of a chunk
  parts: u32,    // chunks of a sample
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Value>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/depth.wgsl
//!include rows.wgsl
//!include deep_rows.wgsl
//!include join.wgsl
//!include join_depth.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let mine = deep_share_of(flat_workgroup(group, groups), lane);
  let step = DEPTH * params.channels;
  var mean = Value(0.0);
  var squares = Value(0.0);
  var count = 0.0;
  var i = mine.first * params.channels + mine.channel;
  var row = mine.first;
  while (row + 3u * DEPTH < mine.end) {
    let a = Value(x[i]);
    let b = Value(x[i + step]);
    let c = Value(x[i + 2u * step]);
    let d = Value(x[i + 3u * step]);
    let own = 0.25 * ((a + b) + (c + d));
    let da = a - own;
    let db = b - own;
    let dc = c - own;
    let dd = d - own;
    let delta = own - mean;
    let weight = 4.0 / (count + 4.0);
    squares += (da * da + db * db) + (dc * dc + dd * dd) + delta * delta * (count * weight);
    mean += delta * weight;
    count += 4.0;
    row += 4u * DEPTH;
    i += 4u * step;
  }
  while (row < mine.end) {
    let delta = Value(x[i]) - mean;
    let weight = 1.0 / (count + 1.0);
    squares += delta * delta * (count * weight);
    mean += delta * weight;
    count += 1.0;
    row += DEPTH;
    i += step;
  }
  var joined = Part(mean, squares, count);
  if (DEPTH != 1u) {
    join_depth(joined, lane);
    joined = piled_part(lane);
  }
  if (mine.inside) {
    let at = mine.part * 3u * params.channels + mine.channel;
    out[at] = joined.mean;
    out[at + params.channels] = joined.squares;
    out[at + 2u * params.channels] = Value(joined.count);
  }
}

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

fn x_at(i: u32) -> Value {
  return Value(x[i]);
}

//!include stats.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  put_statistics(flat_workgroup(group, groups), lane);
}

// partial[p, 0, c] = Σ dz[row, c]·x̂[row, c]  over the rows of chunk p: its share of dγ
// partial[p, 1, c] = Σ dz[row, c]            its share of dβ
// with x̂ = (x − mean)/√(variance + ε), z = γ·x̂ + β, dz = dy·activate'(z)
//
// Everything but x is recomputed, so the forward pass saves nothing for it. kernels/reduce adds the chunks up.
// A thread owns a Value of channels in a chunk of rows, or shares them (deep_rows.wgsl).
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

fn dy_at(i: u32) -> Value {
  return Value(dy[i]);
}

//!include sums.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  put_norm_sums(flat_workgroup(group, groups), lane);
}

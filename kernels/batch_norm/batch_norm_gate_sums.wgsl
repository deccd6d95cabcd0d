// partial[k, n, p, c] = Σ term_k[row, c]  over the rows of chunk p of sample n, with
//   term_0 = dy·y, term_1 = dy·slope·x̂, term_2 = slope·x̂, term_3 = dy·slope, term_4 = slope
//   x̂ = (x − mean)/√(variance + ε), z = γ·x̂ + β, y = activate(z), slope = activate'(z)
//
// Of a batch norm whose output is multiplied by a gate s[n, c], and dy the cotangent of that product. term_0 gives the
// gate's cotangent. With g[n, c], what comes back through the gate to each pixel, the batch norm's own cotangent is
// dy·s + g: a factor and a summand for all pixels of a sample, so that its sums need not wait for them
// (batch_norm_gated_sums.wgsl). One reading of dy and x where there were two. kernels/reduce adds the chunks up.
// A thread owns a Value of channels in a chunk of rows, or shares them (deep_rows.wgsl).
//!include gate_sums.wgsl

fn put_gate_grad(i: u32, v: Value) {}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  put_gate_sums(flat_workgroup(group, groups), lane);
}

// What batch_norm_gate_sums.wgsl makes of whole samples, and the cotangent of what the gate s = sigmoid(t) was made of:
//   too[n, c] = term_0 · s · (1 − s)
//
// A launch of its own for so few numbers costs more than they do.
//!include gate_sums.wgsl

@group(0) @binding(7) var<storage, read> s: array<Value>;
@group(0) @binding(8) var<storage, read_write> too: array<Value>;

fn put_gate_grad(i: u32, v: Value) {
  too[i] = v * s[i] * (1.0 - s[i]);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  put_gate_sums(flat_workgroup(group, groups), lane);
}

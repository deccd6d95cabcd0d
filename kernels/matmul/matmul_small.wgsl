// out[m, n] = Σ_k a(m, k) · b(k, n)      a and b are read through strides, so that either may lie transposed
//
// For products so small that launching a kernel takes longer than computing: squeeze and excite, a classifier of two
// classes. One launch and no padding, whatever the sizes. A thread owns ROWS rows (1 or 4) of a column and every
// DEPTHS-th of the depth; the DEPTHS threads of a column leave their sums in workgroup memory, where the first adds
// them up in their order.
alias Value = f32;
alias Bits = u32; // as include/numbers.wgsl wants it
alias Out = Value; // how it is stored: a Value, or as f16

@group(0) @binding(2) var<storage, read_write> out: array<Out>;

//!include ../include/half.wgsl
//!include small.wgsl

fn put(m: u32, n: u32, v: f32, own: Operands) {
  if (m < params.M) {
    let i = m * params.N + n;
    out[i] = Out(storable(epilogue(v, i, own)));
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  put_product(flat_workgroup(group, groups), lane);
}

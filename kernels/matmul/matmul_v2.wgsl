// out[m, n] = Σ_k left(m, k) · right(k, n)      each of the three may lie transposed; rows are padded to whole vec4s
//
// Register tiles: a thread owns 4 rows and 8 to 24 columns, and loads nothing but vec4s: per four depths, 4 of the left
// operand and 8 to 24 of the right for 128 to 384 multiplications. A workgroup owns 4 · LANES rows, its threads one
// below the other. With several parts (group.z), each sums its own range of depths into an output of its own, to be
// added up after.
//!include product.wgsl
//!include columns.wgsl

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  product(group, lane);
}

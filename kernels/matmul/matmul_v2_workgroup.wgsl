// out[m, n] = Σ_k left(m, k) · right(k, n)      left and right may lie transposed; rows are padded to whole vec4s
//
// The product of matmul_v2.wgsl in tiles that are staged in workgroup memory (tile.wgsl). With several parts (group.z),
// each sums its own range of depths into an output of its own, to be added up after.
//!include product_staged.wgsl
//!include tile_rows.wgsl

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let origin = tile_origin(group, params.row_by_row);
  put_square(product_tile(group, origin, lane), origin, lane, params.rows, params.out_ld);
}

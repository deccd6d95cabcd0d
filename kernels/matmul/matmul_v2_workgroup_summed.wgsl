// out[m, n] = Σ_k left(m, k) · right(k, n)      left and right may lie transposed; rows are padded to whole vec4s
// partial[p, n] = mean, squares and count of out[m, n] over the rows m of the p-th tile
//
// matmul_v2_workgroup.wgsl with the statistics of what it makes (tile_summed.wgsl), in one part. A file of its own, for
// it has a binding more.
//!include product_staged.wgsl
//!include tile_summed.wgsl

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let origin = tile_origin(group, params.row_by_row);
  let end = vec2<u32>(params.rows, params.out_ld);
  put_and_sum(product_tile(group, origin, lane), origin, lane, end, Channels(0u, params.out_ld));
}

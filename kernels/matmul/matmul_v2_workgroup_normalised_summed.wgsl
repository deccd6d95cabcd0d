// out[m, n] and its left operand as in matmul_v2_workgroup_normalised.wgsl
// partial[p, n] = mean, squares and count of out[m, n] over the rows m of the p-th tile: see tile_summed.wgsl
//!include product_normalised.wgsl
//!include tile_summed.wgsl

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let origin = tile_origin(group, params.row_by_row);
  let end = vec2<u32>(params.rows, params.out_ld);
  put_and_sum(product_tile(group, origin, lane), origin, lane, end, Channels(0u, params.out_ld));
}

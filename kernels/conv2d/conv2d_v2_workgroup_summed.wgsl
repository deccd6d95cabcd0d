// The convolution of conv2d_v2_workgroup.wgsl with the statistics of what it makes (../matmul/tile_summed.wgsl):
// partial[p, k] = mean, squares and count of y[n, ho, wo, k] over the pixels of the p-th tile
// A file of its own, for it has a binding more.
//!include forward_staged.wgsl
//!include ../matmul/tile_summed.wgsl

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let origin = group_origin(group);
  let end = product_end();
  put_and_sum(forward_tile(origin, lane), origin, lane, end, Channels(which * end.y, params.outChannels / 4u));
}

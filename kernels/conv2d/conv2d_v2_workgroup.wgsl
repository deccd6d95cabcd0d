// The convolution of conv2d_v2.wgsl in tiles that are staged in workgroup memory (../matmul/tile.wgsl): pixels of an
// image patch that several outputs see are read from the buffer once a tile and tap.
//!include forward_staged.wgsl
//!include ../matmul/tile_rows.wgsl

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let origin = group_origin(group);
  let end = product_end();
  put_square(forward_tile(origin, lane), origin, lane, end.x, end.y);
}

enable subgroups;
// The analysis cannot see that a private variable holding subgroup_size is uniform.
diagnostic(off, subgroup_uniformity);
// conv2d_v2.wgsl where eight lanes or more work in step: they load the right operand together (columns_subgroup.wgsl).
//!include forward.wgsl
//!include ../matmul/columns_subgroup.wgsl

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
  @builtin(subgroup_size) subgroup_size: u32,
) {
  subgroup_lane = in_subgroup;
  subgroup_width = subgroup_size;
  forward(group, lane);
}

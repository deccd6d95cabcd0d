enable subgroups;
// conv2d_filter_grad_v2.wgsl where every subgroup has eight lanes or more: they load the right operand together
// (columns_subgroup.wgsl).
//!include filter_grad.wgsl
//!include ../matmul/columns_subgroup.wgsl

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
) {
  subgroup_lane = in_subgroup;
  filter_grad(group, groups.z, lane);
}

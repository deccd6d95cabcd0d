// The flat index of a workgroup in a grid that was folded to stay within 65,535 a side (foldWorkgroups in kernel.ts).
fn flat_workgroup(workgroup_id: vec3<u32>, num_workgroups: vec3<u32>) -> u32 {
  return workgroup_id.x + workgroup_id.y * num_workgroups.x;
}

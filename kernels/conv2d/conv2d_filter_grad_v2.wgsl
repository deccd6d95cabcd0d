// dw[r, s, c, k] = Σ_{n,ho,wo} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · dy[n, ho, wo, k]
// Layouts as in conv2d_v2.wgsl.
//
// Implicit GEMM as there: rows are taps and input channels, columns output channels, the depth is every pixel of the
// batch, four of a line at a time. Few rows and a long depth leave processors idle, so the lines are split into parts
// (group.z), each with an output of its own, to be added up after in a fixed order.
//!include filter_grad.wgsl
//!include ../matmul/columns.wgsl

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  filter_grad(group, groups.z, lane);
}

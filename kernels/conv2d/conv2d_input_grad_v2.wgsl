// dx[n, h, v, c] = Σ_{r,s,k} dy[n, ho, wo, k] · w[r, s, c, k]
// over the taps with ho·stride + r·dilation − pad = h (wo and v alike). Layouts as in conv2d_v2.wgsl.
//
// Implicit GEMM as there: rows are input pixels, columns input channels, the depth runs over taps and output channels.
// With a stride, pixels fall into stride² classes (group.z) of equal h and v modulo the stride: all pixels of a class
// are seen through the same taps, so the others are skipped by the whole workgroup and no zero is multiplied.
//!include input_grad.wgsl
//!include ../matmul/columns.wgsl

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  input_grad(group, lane);
}

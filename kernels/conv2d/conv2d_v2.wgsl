// y[n, ho, wo, k] = Σ_{r,s,c} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · w[r, s, c, k]
// x NHWC, w HWIO, both with channels padded to whole vec4s; one group.
//
// Implicit GEMM in register tiles: rows are output pixels, columns output channels, the depth runs over taps and channels, and
// the matrix of image patches is never stored. A thread owns 4 neighbouring pixels and 8 or 16 channels; pixels outside the image
// are read at a clamped address and made zero, so no thread goes its own way.
//!include forward.wgsl
//!include ../matmul/columns.wgsl

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  forward(group, lane);
}

// y[n, ho, wo, k] = Σ_{r,s,c} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · w[r, s, c, k]
// x NHWC, w [r, s, C/groups, K], both with a group's channels padded to whole vec4s; c are the channels of k's group.
//
// Implicit GEMM in register tiles: rows are output pixels, columns output channels, the depth runs over taps and
// channels, and the matrix of image patches is never stored. A thread owns 4 neighbouring pixels and 4 to 24 channels;
// pixels outside the image are read at a clamped address and made zero, so no thread goes its own way. Groups have
// tiles of columns of their own.
//!include forward.wgsl
//!include ../matmul/columns.wgsl

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  forward(group, lane);
}

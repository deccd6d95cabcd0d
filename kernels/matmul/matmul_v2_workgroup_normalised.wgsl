// out[m, n] = Σ_k y(m, k) · right(k, n)      y may lie transposed, as [pixels, channels] or [channels, pixels]
// y[pixel, c] = activate(γ[c] · (x[pixel, c] − mean[c]) / √(variance[c] + ε) + β[c])      x is `left`
//               GATED: times gate[n, c], n being the pixel's sample
//
// matmul_v2_workgroup.wgsl with a left operand that batch_norm_apply.wgsl would have written: each workgroup makes what
// it stages, so that it is neither written nor read. It is made once for every column of tiles. A file of its own, for
// it has other bindings: coefficients and gate in the place of an epilogue's operands.
//!include product_normalised.wgsl
//!include tile_rows.wgsl

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let origin = tile_origin(group, params.row_by_row);
  put_square(product_tile(group, origin, lane), origin, lane, params.rows, params.out_ld);
}

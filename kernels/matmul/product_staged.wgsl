// The body of matmul_v2_workgroup: see there.
override LEFT_TRANSPOSED: u32 = 0;
override RIGHT_TRANSPOSED: u32 = 0;

//!include operands.wgsl
//!include ../include/half.wgsl
//!include ../epilogue/epilogue.wgsl
//!include four.wgsl
//!include tile.wgsl
//!include product_tile.wgsl

fn left_from(row: u32, k: u32, end: u32) -> Four {
  let ld = params.left_ld;
  if (LEFT_TRANSPOSED == 1u) {
    return four_across(min(row / 4u, ld - 1u), ld, k, end);
  }
  return four_along(row, params.rows, ld, k, end);
}

fn left_next(four: Four) -> Four {
  return four_next(four, select(DEPTH, 4u * DEPTH * params.left_ld, LEFT_TRANSPOSED == 1u));
}

fn left_block(four: Four) -> mat4x4<f32> {
  if (LEFT_TRANSPOSED == 1u) {
    let at = at_across(four);
    return mat4x4<f32>(Value(left[at.x]), Value(left[at.y]), Value(left[at.z]), Value(left[at.w]));
  }
  let at = at_along(four);
  return transpose(mat4x4<f32>(Value(left[at.x]), Value(left[at.y]), Value(left[at.z]), Value(left[at.w])));
}

fn ended(v: vec4<f32>, at: u32, col: u32) -> vec4<f32> {
  return epilogue(v, at, channel_operands(col, params.out_ld));
}

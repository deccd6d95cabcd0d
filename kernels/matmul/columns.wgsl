// eight_columns for block.wgsl: every thread loads the whole tile of the right operand. The threads of a workgroup ask
// for the same addresses, which a GPU serves with one access.
fn eight_columns(first: u32, ld: u32, rest: u32) -> Eight {
  let v0 = right_at(first + piece_offset(0u, ld));
  let v1 = right_at(first + piece_offset(1u, ld));
  let v2 = right_at(first + piece_offset(2u, ld));
  let v3 = right_at(first + piece_offset(3u, ld));
  if (COLUMNS == 4u) {
    return Eight(four_columns(v0, v1, v2, v3, rest), mat4x4<f32>());
  }
  let v4 = right_at(first + piece_offset(4u, ld));
  let v5 = right_at(first + piece_offset(5u, ld));
  let v6 = right_at(first + piece_offset(6u, ld));
  let v7 = right_at(first + piece_offset(7u, ld));
  if (RIGHT_TRANSPOSED == 1u) {
    return Eight(transpose(mat4x4<f32>(v0, v1, v2, v3)), transpose(mat4x4<f32>(v4, v5, v6, v7)));
  }
  let zero = vec4<f32>();
  let w2 = select(zero, v2, rest > 1u);
  let w3 = select(zero, v3, rest > 1u);
  let w4 = select(zero, v4, rest > 2u);
  let w5 = select(zero, v5, rest > 2u);
  let w6 = select(zero, v6, rest > 3u);
  let w7 = select(zero, v7, rest > 3u);
  return Eight(mat4x4<f32>(v0, w2, w4, w6), mat4x4<f32>(v1, w3, w5, w7));
}

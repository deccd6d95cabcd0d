// What staged products share: their right operand, where their result goes, and the tile of a workgroup. Who includes
// this says what becomes of a result before it is written to the index `at`, in the vec4 `col` of columns:
//   ended(v, at, col) -> vec4
var<private> part: u32;

fn right_from(col: u32, k: u32, end: u32) -> Four {
  let ld = params.right_ld;
  if (RIGHT_TRANSPOSED == 1u) {
    return four_along(4u * col, params.cols, ld, k, end);
  }
  return four_across(min(col, ld - 1u), ld, k, end);
}

fn right_next(four: Four) -> Four {
  return four_next(four, select(4u * DEPTH * params.right_ld, DEPTH, RIGHT_TRANSPOSED == 1u));
}

fn right_block(four: Four) -> mat4x4<f32> {
  if (RIGHT_TRANSPOSED == 1u) {
    let at = at_along(four);
    return transpose(mat4x4<f32>(Value(right[at.x]), Value(right[at.y]), Value(right[at.z]), Value(right[at.w])));
  }
  let at = at_across(four);
  return mat4x4<f32>(Value(right[at.x]), Value(right[at.y]), Value(right[at.z]), Value(right[at.w]));
}

fn put_vec4(row: u32, col: u32, v: vec4<f32>) -> vec4<f32> {
  let at = (part * params.rows + row) * params.out_ld + col;
  let stored = Out(storable(ended(v, at, col)));
  out[at] = stored;
  return Value(stored);
}

// The workgroup's tile. With several parts (group.z), each sums its own range of depths.
fn product_tile(group: vec3<u32>, origin: vec2<u32>, lane: u32) -> Square {
  part = group.z;
  let begin = group.z * params.part_depth;
  let end = min(begin + params.part_depth, params.depth);
  return tile_product(origin, lane, begin, end);
}

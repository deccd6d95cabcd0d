// The body of matmul_v2_workgroup: see there.
override LEFT_TRANSPOSED: u32 = 0;
override RIGHT_TRANSPOSED: u32 = 0;

//!include operands.wgsl
//!include ../include/half.wgsl
//!include ../epilogue/epilogue.wgsl
//!include four.wgsl
//!include tile.wgsl

var<private> part: u32;

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
  let stored = Out(storable(epilogue(v, at, channel_operands(col, params.out_ld))));
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

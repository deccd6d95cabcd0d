// The body of matmul_v2: see there.
override LEFT_TRANSPOSED: u32 = 0;
override RIGHT_TRANSPOSED: u32 = 0;
override OUT_TRANSPOSED: u32 = 0;

//!include operands.wgsl
//!include ../include/half.wgsl

fn right_at(i: u32) -> vec4<f32> {
  return Value(right[i]);
}

fn put(i: u32, v: vec4<f32>) {
  out[i] = Out(storable(v));
}

//!include block.wgsl
//!include ../epilogue/epilogue.wgsl
//!include epilogue_block.wgsl

// Four depths of four rows; vector i of the result is row i.
fn four_rows(row: u32, k: u32, end: u32) -> mat4x4<f32> {
  let ld = params.left_ld;
  if (LEFT_TRANSPOSED == 1u) {
    let at = k * ld + row / 4u;
    let zero = vec4<f32>();
    return transpose(mat4x4<f32>(
      Value(left[at]),
      select(zero, Value(left[at + ld]), k + 1u < end),
      select(zero, Value(left[at + 2u * ld]), k + 2u < end),
      select(zero, Value(left[at + 3u * ld]), k + 3u < end),
    ));
  }
  let at = min(row + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.rows - 1u)) * ld + k / 4u;
  return mat4x4<f32>(Value(left[at.x]), Value(left[at.y]), Value(left[at.z]), Value(left[at.w]));
}

// The block's columns from `col` on to the vec4 index `at` and below it, as rows of the transposed output.
fn put_columns(own: Block, at: u32, col: u32) {
  let t0 = transpose(own.c0);
  let t1 = transpose(own.c1);
  let t2 = transpose(own.c2);
  let t3 = transpose(own.c3);
  let t4 = transpose(own.c4);
  let t5 = transpose(own.c5);
  // Column i of each tile, as in put_rows.
  for (var i = 0u; i < min(params.cols - col, 4u); i++) {
    let to = at + i * params.out_ld;
    let last = params.cols - col - i;
    put(to, row_of(t0, i));
    if (COLUMNS > 4u && last > 4u) { put(to + 4u * params.out_ld, row_of(t1, i)); }
    if (COLUMNS > 8u && last > 8u) { put(to + 8u * params.out_ld, row_of(t2, i)); }
    if (COLUMNS > 8u && last > 12u) { put(to + 12u * params.out_ld, row_of(t3, i)); }
    if (COLUMNS > 16u && last > 16u) { put(to + 16u * params.out_ld, row_of(t4, i)); }
    if (COLUMNS > 16u && last > 20u) { put(to + 20u * params.out_ld, row_of(t5, i)); }
  }
}

fn product(group: vec3<u32>, lane: u32) {
  let origin = block_origin(group, lane, params.row_by_row);
  let row = origin.x;
  let col = origin.y;
  let begin = group.z * params.part_depth;
  let end = min(begin + params.part_depth, params.depth);

  var own: Block;
  for (var k = begin; k < end; k += 4u) {
    let first = select(k * params.right_ld + col / 4u, col * params.right_ld + k / 4u, RIGHT_TRANSPOSED == 1u);
    own = accumulate(own, four_rows(row, k, end), first, params.right_ld, end - k);
  }

  if (OUT_TRANSPOSED == 1u) {
    if (row < params.rows) {
      put_columns(own, (group.z * params.cols + col) * params.out_ld + row / 4u, col);
    }
    return;
  }
  let rows = row + vec4<u32>(0u, 1u, 2u, 3u);
  let at = (group.z * params.rows + rows) * params.out_ld + col / 4u;
  finish_rows(own, at, rows_left(row, params.rows), params.out_ld - col / 4u, col / 4u, params.out_ld);
}

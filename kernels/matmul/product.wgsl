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

// Four columns of the block, as rows of the transposed output.
fn put_columns(at: u32, col: u32, tile: mat4x4<f32>) {
  let t = transpose(tile);
  if (col < params.cols) { put(at, t[0]); }
  if (col + 1u < params.cols) { put(at + params.out_ld, t[1]); }
  if (col + 2u < params.cols) { put(at + 2u * params.out_ld, t[2]); }
  if (col + 3u < params.cols) { put(at + 3u * params.out_ld, t[3]); }
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
      let at = (group.z * params.cols + col) * params.out_ld + row / 4u;
      put_columns(at, col, own.c0);
      if (COLUMNS > 4u) { put_columns(at + 4u * params.out_ld, col + 4u, own.c1); }
      if (COLUMNS == 16u) {
        put_columns(at + 8u * params.out_ld, col + 8u, own.c2);
        put_columns(at + 12u * params.out_ld, col + 12u, own.c3);
      }
    }
    return;
  }
  let rows = row + vec4<u32>(0u, 1u, 2u, 3u);
  let at = (group.z * params.rows + rows) * params.out_ld + col / 4u;
  put_rows(finish(own, at, col / 4u, params.out_ld), at, rows < vec4<u32>(params.rows), params.out_ld - col / 4u);
}

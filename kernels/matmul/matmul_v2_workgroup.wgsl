// out[m, n] = Σ_k left(m, k) · right(k, n)      left and right may lie transposed; rows are padded to whole vec4s
//
// The product of matmul_v2.wgsl in tiles that are staged in workgroup memory (tile.wgsl). With several parts (group.z),
// each sums its own range of depths into an output of its own, to be added up after.
override LEFT_TRANSPOSED: u32 = 0;
override RIGHT_TRANSPOSED: u32 = 0;

//!include operands.wgsl
//!include ../include/half.wgsl
//!include ../epilogue/epilogue.wgsl
//!include tile.wgsl
//!include tile_rows.wgsl

var<private> part: u32;

struct Rows {
  first: u32,
}

fn rows_from(row: u32) -> Rows {
  return Rows(row);
}

fn left_block(rows: Rows, k: u32, end: u32) -> mat4x4<f32> {
  let ld = params.left_ld;
  if (LEFT_TRANSPOSED == 1u) {
    let at = k * ld + rows.first / 4u;
    let rest = end - k;
    let zero = vec4<f32>();
    return transpose(mat4x4<f32>(
      Value(left[at]),
      select(zero, Value(left[at + ld]), rest > 1u),
      select(zero, Value(left[at + 2u * ld]), rest > 2u),
      select(zero, Value(left[at + 3u * ld]), rest > 3u),
    ));
  }
  let at = min(rows.first + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.rows - 1u)) * ld + k / 4u;
  return mat4x4<f32>(Value(left[at.x]), Value(left[at.y]), Value(left[at.z]), Value(left[at.w]));
}

fn right_block(k: u32, end: u32, col: u32) -> mat4x4<f32> {
  let ld = params.right_ld;
  if (RIGHT_TRANSPOSED == 1u) {
    let at = 4u * col * ld + k / 4u;
    return transpose(mat4x4<f32>(
      Value(right[at]),
      Value(right[at + ld]),
      Value(right[at + 2u * ld]),
      Value(right[at + 3u * ld]),
    ));
  }
  let at = k * ld + col;
  let rest = end - k;
  let zero = vec4<f32>();
  return mat4x4<f32>(
    Value(right[at]),
    select(zero, Value(right[at + ld]), rest > 1u),
    select(zero, Value(right[at + 2u * ld]), rest > 2u),
    select(zero, Value(right[at + 3u * ld]), rest > 3u),
  );
}

fn put_vec4(row: u32, col: u32, v: vec4<f32>) {
  let at = (part * params.rows + row) * params.out_ld + col;
  out[at] = Out(storable(epilogue(v, at, channel_operands(col, params.out_ld))));
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  part = group.z;
  let origin = tile_origin(group, params.row_by_row);
  let begin = group.z * params.part_depth;
  let end = min(begin + params.part_depth, params.depth);
  put_square(tile_product(origin, lane, begin, end), origin, lane, params.rows, params.out_ld);
}

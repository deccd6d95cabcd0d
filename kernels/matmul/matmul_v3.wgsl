enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// out[m, n] = Σ_k left(m, k) · right(k, n)      either operand may lie transposed; rows are padded to whole vec4s
//
// On tensor cores, for programs of precision f16: operands are rounded to f16 while they are staged, and summed in f32
// (matrix_tile.wgsl). A workgroup owns TILE_M x TILE_N numbers of the output. With several parts (group.z), each sums
// its own range of depths into an output of its own, to be added up after.
const LEFT_ALONG: u32 = 1; // left lies as [rows, depth]; 0: as [depth, rows]
const RIGHT_ALONG: u32 = 0; // right lies as [depth, cols]; 1: as [cols, depth]

//!include operands.wgsl
//!include ../include/half.wgsl
//!include ../epilogue/epilogue.wgsl

// 0.1 is another number in f16.
const LEFT_IS_HALF = f32(Left(0.1).x) != 0.1f;
const RIGHT_IS_HALF = f32(Right(0.1).x) != 0.1f;

fn left_at(row: u32, k: u32, end: u32) -> vec4<f16> {
  if ((row >= params.rows) | (k >= end)) {
    return vec4<f16>();
  }
  let v = left[select(k * params.left_ld + row / 4u, row * params.left_ld + k / 4u, LEFT_ALONG == 1u)];
  if (LEFT_IS_HALF) {
    return vec4<f16>(v);
  }
  return to_half(Value(v));
}

fn right_at(col: u32, k: u32, end: u32) -> vec4<f16> {
  if ((col >= params.cols) | (k >= end)) {
    return vec4<f16>();
  }
  let v = right[select(k * params.right_ld + col / 4u, col * params.right_ld + k / 4u, RIGHT_ALONG == 1u)];
  if (RIGHT_IS_HALF) {
    return vec4<f16>(v);
  }
  return to_half(Value(v));
}

var<private> layer: u32;

fn put(row: u32, col: u32, v: vec4<f32>) {
  if (row >= params.rows || col >= params.cols) {
    return;
  }
  let at = (layer * params.rows + row) * params.out_ld + col / 4u;
  out[at] = Out(storable(epilogue(v, at, channel_operands(col / 4u, params.out_ld))));
}

//!include matrix_tile.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  layer = group.z;
  let tile = select(group.xy, group.yx, params.row_by_row == 1u);
  let begin = group.z * params.part_depth;
  matrix_product(tile * vec2<u32>(TILE_M, TILE_N), begin, min(begin + params.part_depth, params.depth), lane, subgroup);
}

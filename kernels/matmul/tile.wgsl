// A workgroup's share of a product out = left · right: 8·DOWN rows by 8·ACROSS columns, 8 x 8 of them in each thread's
// registers.
//
// For GPUs that have workgroup memory. Both operands are staged there, DEPTH vec4s of depth at a time: what
// 8·DOWN·8·ACROSS products per depth need is read from the buffers once, by neighbouring threads from neighbouring
// addresses, where the register tiles of block.wgsl leave all that to the caches. 4 x 4 tiles as matrices, as in
// block.wgsl. Who includes this says where things lie:
//   rows_from(row) -> Rows               what must be known of four rows to load from them, made once
//   left_block(rows, k, end) -> mat4x4   vector i: row i at the depths k to k + 3, zeros from `end` on
//   right_block(k, end, col) -> mat4x4   vector q: depth k + q, at the four columns of vec4 col; zeros likewise
//   LEFT_TRANSPOSED                      1 where neighbours in memory are rows rather than depths
//   RIGHT_TRANSPOSED                     1 where neighbours in memory are depths rather than columns
override DOWN: u32 = 8; // threads of the workgroup
override ACROSS: u32 = 8;
override DEPTH: u32 = 4; // at most half of DOWN and of ACROSS: no thread stages more than a 4 x 4 tile of each operand
override LEFT_TILE: u32 = 320; // 8·DOWN·(DEPTH + 1)
override RIGHT_TILE: u32 = 256; // 4·DEPTH · 2·ACROSS

// [row, depth] with a vec4 more in each row, so that neighbouring rows lie in different banks.
var<workgroup> left_tile: array<vec4<f32>, LEFT_TILE>;
// [depth, column]
var<workgroup> right_tile: array<vec4<f32>, RIGHT_TILE>;

// A thread's rows are DOWN apart and its vec4s of columns ACROSS apart: c10 is rows 4 to 7, columns 0 to 3.
struct Square {
  c00: mat4x4<f32>,
  c01: mat4x4<f32>,
  c10: mat4x4<f32>,
  c11: mat4x4<f32>,
}

// The first row and the first vec4 of columns of a workgroup's tile; the order of tiles is that of block_origin in
// block.wgsl.
fn tile_origin(group: vec3<u32>, row_by_row: u32) -> vec2<u32> {
  let tile = select(group.xy, group.yx, row_by_row == 1u);
  return tile * vec2<u32>(8u * DOWN, 2u * ACROSS);
}

fn left_rows(row: u32, d: u32) -> mat4x4<f32> {
  let at = row * (DEPTH + 1u) + d;
  let step = DOWN * (DEPTH + 1u);
  return mat4x4<f32>(left_tile[at], left_tile[at + step], left_tile[at + 2u * step], left_tile[at + 3u * step]);
}

fn right_columns(d: u32, col: u32) -> mat4x4<f32> {
  let at = 8u * d * ACROSS + col;
  let step = 2u * ACROSS;
  return mat4x4<f32>(right_tile[at], right_tile[at + step], right_tile[at + 2u * step], right_tile[at + 3u * step]);
}

// The sum over the depths begin to end, the same for the whole workgroup.
fn tile_product(origin: vec2<u32>, lane: u32, begin: u32, end: u32) -> Square {
  let m = lane / ACROSS;
  let n = lane % ACROSS;
  // What this thread stages: neighbours take what lies side by side.
  let stages_left = lane < 2u * DOWN * DEPTH;
  let left_row = 4u * select(lane / DEPTH, lane % (2u * DOWN), LEFT_TRANSPOSED == 1u);
  let left_vec = select(lane % DEPTH, lane / (2u * DOWN), LEFT_TRANSPOSED == 1u);
  let left_depth = 4u * left_vec;
  let left_at = left_row * (DEPTH + 1u) + left_vec;
  let stages_right = lane < 2u * ACROSS * DEPTH;
  let right_col = select(lane % (2u * ACROSS), lane / DEPTH, RIGHT_TRANSPOSED == 1u);
  let right_depth = 4u * select(lane / (2u * ACROSS), lane % DEPTH, RIGHT_TRANSPOSED == 1u);
  let right_to = 2u * right_depth * ACROSS + right_col;
  let rows = rows_from(origin.x + left_row);

  var own: Square;
  for (var k = begin; k < end; k += 4u * DEPTH) {
    if (stages_left) {
      // Zeros by name: Dawn does not clear a variable without a value again in each round of a loop.
      var four = mat4x4<f32>();
      if (k + left_depth < end) {
        four = left_block(rows, k + left_depth, end);
      }
      left_tile[left_at] = four[0];
      left_tile[left_at + DEPTH + 1u] = four[1];
      left_tile[left_at + 2u * (DEPTH + 1u)] = four[2];
      left_tile[left_at + 3u * (DEPTH + 1u)] = four[3];
    }
    if (stages_right) {
      var four = mat4x4<f32>();
      if (k + right_depth < end) {
        four = right_block(k + right_depth, end, origin.y + right_col);
      }
      right_tile[right_to] = four[0];
      right_tile[right_to + 2u * ACROSS] = four[1];
      right_tile[right_to + 4u * ACROSS] = four[2];
      right_tile[right_to + 6u * ACROSS] = four[3];
    }
    workgroupBarrier();
    for (var d = 0u; d < DEPTH; d++) {
      let upper = left_rows(m, d);
      let lower = left_rows(m + 4u * DOWN, d);
      let first = right_columns(d, n);
      let second = right_columns(d, n + ACROSS);
      own.c00 += first * upper;
      own.c01 += second * upper;
      own.c10 += first * lower;
      own.c11 += second * lower;
    }
    workgroupBarrier();
  }
  return own;
}

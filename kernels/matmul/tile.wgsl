// A workgroup's share of a product out = left · right: 4·HIGH·DOWN rows by 4·WIDE·ACROSS columns. Each thread has
// 4·HIGH x 4·WIDE of them in its registers: 8 x 8 where a GPU has registers for so many sums, or 4 x 8, or 4 x 4.
//
// For GPUs that have workgroup memory. Both operands are staged there, DEPTH vec4s of depth at a time: what
// the tile's products of a depth need is read from the buffers once, by neighbouring threads from neighbouring
// addresses, where the register tiles of block.wgsl leave all that to the caches. Both lie depth by depth, so that a
// thread reads four vec4s for 64 multiplications and needs few registers beside its sums. Who includes this says where
// things lie:
//   left_from(row, k, end) -> Left  what must be known to load four rows at the depths k to k + 3
//   left_block(left) -> mat4x4      vector q: depth k + q of the four rows; any numbers from `end` on
//   left_next(left) -> Left         4·DEPTH depths on
//   right_from(col, k, end) -> Right, right_block(right), right_next(right): so of the four columns of vec4 col
// and LEFT_TRANSPOSED, RIGHT_TRANSPOSED, 1 where neighbours in memory are rows, or depths, rather than depths, or
// columns.
override DOWN: u32 = 8; // threads of the workgroup
override ACROSS: u32 = 8;
override HIGH: u32 = 2; // vec4s of rows and of columns of a thread: 1 or 2
override WIDE: u32 = 2;
// HIGH·DEPTH is at most ACROSS, and WIDE·DEPTH at most DOWN: no thread stages more than 4 x 4 numbers of an operand.
override DEPTH: u32 = 4;
override LEFT_TILE: u32 = 272; // 4·DEPTH · (HIGH·DOWN + 1)
override RIGHT_TILE: u32 = 256; // 4·DEPTH · WIDE·ACROSS

const NEXT = vec4<u32>(0u, 1u, 2u, 3u);

// [depth, row], with a vec4 more to each depth, so that what is stored at a time lies in different banks.
var<workgroup> left_tile: array<vec4<f32>, LEFT_TILE>;
// [depth, column]
var<workgroup> right_tile: array<vec4<f32>, RIGHT_TILE>;

// A thread's vec4s of rows are DOWN apart and its vec4s of columns ACROSS. A matrix is four rows of four columns, row
// by row: c10 is rows 4 to 7, columns 0 to 3.
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
  return tile * vec2<u32>(4u * HIGH * DOWN, WIDE * ACROSS);
}

fn outer_product(column: vec4<f32>, row: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(column.x * row, column.y * row, column.z * row, column.w * row);
}

// before + what a depth adds, of whose operands `upper` and `lower` are rows, `first` and `second` columns.
fn add_depth(before: Square, upper: vec4<f32>, lower: vec4<f32>, first: vec4<f32>, second: vec4<f32>) -> Square {
  var own = before;
  own.c00 += outer_product(upper, first);
  if (WIDE == 2u) {
    own.c01 += outer_product(upper, second);
  }
  if (HIGH == 2u) {
    own.c10 += outer_product(lower, first);
    if (WIDE == 2u) {
      own.c11 += outer_product(lower, second);
    }
  }
  return own;
}

// The sum over the depths begin to end, the same for the whole workgroup.
fn tile_product(origin: vec2<u32>, lane: u32, begin: u32, end: u32) -> Square {
  let L = HIGH * DOWN + 1u;
  let R = WIDE * ACROSS;
  let m = lane / ACROSS % DOWN;
  let n = lane % ACROSS;
  // What this thread stages: neighbours take what lies side by side.
  let stages_left = lane < HIGH * DOWN * DEPTH;
  let left_row = select(lane / DEPTH, lane % (HIGH * DOWN), LEFT_TRANSPOSED == 1u) % (HIGH * DOWN);
  let left_vec = select(lane % DEPTH, lane / (HIGH * DOWN), LEFT_TRANSPOSED == 1u) % DEPTH;
  let left_to = 4u * left_vec * L + left_row;
  let stages_right = lane < WIDE * ACROSS * DEPTH;
  let right_col = select(lane % R, lane / DEPTH, RIGHT_TRANSPOSED == 1u) % R;
  let right_vec = select(lane / R, lane % DEPTH, RIGHT_TRANSPOSED == 1u) % DEPTH;
  let right_to = 4u * right_vec * R + right_col;
  var rows = left_from(origin.x + 4u * left_row, begin + 4u * left_vec, end);
  var columns = right_from(origin.y + right_col, begin + 4u * right_vec, end);

  var own: Square;
  for (var k = begin; k < end; k += 4u * DEPTH) {
    if (stages_left) {
      let four = left_block(rows);
      left_tile[left_to] = four[0];
      left_tile[left_to + L] = four[1];
      left_tile[left_to + 2u * L] = four[2];
      left_tile[left_to + 3u * L] = four[3];
    }
    if (stages_right) {
      let four = right_block(columns);
      right_tile[right_to] = four[0];
      right_tile[right_to + R] = four[1];
      right_tile[right_to + 2u * R] = four[2];
      right_tile[right_to + 3u * R] = four[3];
    }
    rows = left_next(rows);
    columns = right_next(columns);
    workgroupBarrier();
    // No index is made by a function, and all are remainders or sums of what is: the compiler sees that none leaves its
    // array, and does without a test of each.
    if (end - k >= 4u * DEPTH) {
      for (var v = 0u; v < DEPTH; v++) {
        let l = 4u * v * L + m;
        let r = 4u * v * R + n;
        let u = l + (HIGH - 1u) * DOWN;
        let s = r + (WIDE - 1u) * ACROSS;
        own = add_depth(own, left_tile[l], left_tile[u], right_tile[r], right_tile[s]);
        own = add_depth(own, left_tile[l + L], left_tile[u + L], right_tile[r + R], right_tile[s + R]);
        own = add_depth(own, left_tile[l + 2 * L], left_tile[u + 2 * L], right_tile[r + 2 * R], right_tile[s + 2 * R]);
        own = add_depth(own, left_tile[l + 3 * L], left_tile[u + 3 * L], right_tile[r + 3 * R], right_tile[s + 3 * R]);
      }
    } else {
      for (var rest = 0u; rest < end - k; rest++) {
        let l = rest % (4u * DEPTH) * L + m;
        let r = rest % (4u * DEPTH) * R + n;
        let u = l + (HIGH - 1u) * DOWN;
        let s = r + (WIDE - 1u) * ACROSS;
        own = add_depth(own, left_tile[l], left_tile[u], right_tile[r], right_tile[s]);
      }
    }
    workgroupBarrier();
  }
  return own;
}

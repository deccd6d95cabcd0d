// A thread's share of a product out = left · right: 4 rows by COLUMNS (4, 8, 16 or 24) columns, in registers.
//
// 4 x 4 tiles as matrices: a tile of the product has the output's rows as its columns, so that with `left` holding 4
// rows of 4 depths and `right` 4 depths of 4 columns, each stored vector by vector as it lies in memory,
//   tile += right · left
// Whoever includes this says where things lie: RIGHT_TRANSPOSED, `right_at` and `put`, and provides `eight_columns`.
// One loop over the whole depth, never nested ones: those were measured to be several times slower on lavapipe
// (bench/ladder_conv2d.md).
override LANES: u32 = 8;
override COLUMNS: u32 = 16;

struct Block {
  c0: mat4x4<f32>,
  c1: mat4x4<f32>,
  c2: mat4x4<f32>,
  c3: mat4x4<f32>,
  c4: mat4x4<f32>,
  c5: mat4x4<f32>,
}

// A row of it.
struct Line {
  v0: vec4<f32>,
  v1: vec4<f32>,
  v2: vec4<f32>,
  v3: vec4<f32>,
  v4: vec4<f32>,
  v5: vec4<f32>,
}

// The first row and the first column of a thread's block. Workgroups that run after one another have the same rows when
// `row_by_row`, so that all of the right operand stays in the cache, or else the same columns, so that a strip of it
// does.
fn block_origin(group: vec3<u32>, lane: u32, row_by_row: u32) -> vec2<u32> {
  let tile = select(group.xy, group.yx, row_by_row == 1u);
  return vec2<u32>((tile.x * LANES + lane) * 4u, tile.y * COLUMNS);
}

// Four depths of eight columns: vector q of a matrix is depth q. Of a block of four columns only `a` is used.
struct Eight {
  a: mat4x4<f32>,
  b: mat4x4<f32>,
}

// The right operand lies as [depth, columns], or as [columns, depth] when RIGHT_TRANSPOSED; `ld` is the length of a row
// in vec4s. Eight columns and four depths are eight vec4s, of four columns four; this is the index of number `piece`,
// relative to the first.
fn piece_offset(piece: u32, ld: u32) -> u32 {
  if (RIGHT_TRANSPOSED == 1u || COLUMNS == 4u) {
    return piece * ld;
  }
  return piece / 2u * ld + (piece & 1u);
}

// Four columns of four depths from their four vec4s; see `accumulate` for `rest`.
fn four_columns(v0: vec4<f32>, v1: vec4<f32>, v2: vec4<f32>, v3: vec4<f32>, rest: u32) -> mat4x4<f32> {
  if (RIGHT_TRANSPOSED == 1u) {
    return transpose(mat4x4<f32>(v0, v1, v2, v3));
  }
  let zero = vec4<f32>();
  return mat4x4<f32>(v0, select(zero, v1, rest > 1u), select(zero, v2, rest > 2u), select(zero, v3, rest > 3u));
}

// before + left · right for four depths. `first` is the vec4 index of the first column at the first depth; depths
// beyond `rest` count as zero (where depth runs along the vec4s, the operand is padded with zeros instead).
fn accumulate(before: Block, left: mat4x4<f32>, first: u32, ld: u32, rest: u32) -> Block {
  let step = select(2u, 8u * ld, RIGHT_TRANSPOSED == 1u);
  let a = eight_columns(first, ld, rest);
  let c0 = before.c0 + a.a * left;
  if (COLUMNS == 4u) {
    return Block(c0, before.c1, before.c2, before.c3, before.c4, before.c5);
  }
  let c1 = before.c1 + a.b * left;
  if (COLUMNS == 8u) {
    return Block(c0, c1, before.c2, before.c3, before.c4, before.c5);
  }
  let b = eight_columns(first + step, ld, rest);
  let c2 = before.c2 + b.a * left;
  let c3 = before.c3 + b.b * left;
  if (COLUMNS == 16u) {
    return Block(c0, c1, c2, c3, before.c4, before.c5);
  }
  let c = eight_columns(first + 2u * step, ld, rest);
  return Block(c0, c1, c2, c3, before.c4 + c.a * left, before.c5 + c.b * left);
}

// A row of the block to `at`, as far as `count` vec4s.
fn put_line(at: u32, count: u32, line: Line) {
  if (count > 0u) { put(at, line.v0); }
  if (COLUMNS > 4u && count > 1u) { put(at + 1u, line.v1); }
  if (COLUMNS > 8u && count > 2u) { put(at + 2u, line.v2); }
  if (COLUMNS > 8u && count > 3u) { put(at + 3u, line.v3); }
  if (COLUMNS > 16u && count > 4u) { put(at + 4u, line.v4); }
  if (COLUMNS > 16u && count > 5u) { put(at + 5u, line.v5); }
}

// Row or number i of four. An index that is a variable would put all four in memory.
fn row_of(tile: mat4x4<f32>, i: u32) -> vec4<f32> {
  return select(select(tile[0], tile[1], i == 1u), select(tile[2], tile[3], i == 3u), i > 1u);
}

fn line_of(own: Block, i: u32) -> Line {
  return Line(
    row_of(own.c0, i),
    row_of(own.c1, i),
    row_of(own.c2, i),
    row_of(own.c3, i),
    row_of(own.c4, i),
    row_of(own.c5, i),
  );
}

fn number_of(v: vec4<u32>, i: u32) -> u32 {
  return select(select(v.x, v.y, i == 1u), select(v.z, v.w, i == 3u), i > 1u);
}

// The block's first `rows` rows to the vec4 indices `at`, each as far as `count` vec4s. In a loop that no compiler
// unrolls: a store is as much code to a software adapter as hundreds of multiplications, and 16 of them, each behind an
// epilogue, were more than the loop over the depth.
fn put_rows(own: Block, at: vec4<u32>, rows: u32, count: u32) {
  for (var i = 0u; i < rows; i++) {
    put_line(number_of(at, i), count, line_of(own, i));
  }
}

// How many of the four rows from `row` on lie before `count`.
fn rows_left(row: u32, count: u32) -> u32 {
  return min(max(row, count) - row, 4u);
}

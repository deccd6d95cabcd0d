// The rows of a thread's Square (tile.wgsl) to `put_vec4(row, col, v)`, which gives back what it stored, as
// tile_rows.wgsl does; and the statistics of the workgroup's tile, as join.wgsl of batch_norm lays them out: so nobody
// has to read what is made here to know its mean and variance.
//
// First the mean of a column's rows, then the squares of what is left: nothing cancels. The threads of a column add up
// in the memory of the two tiles, of which each has room for a vec4 of each thread: ACROSS is at most 4·HIGH·DEPTH, DOWN
// at most 4·WIDE·DEPTH.
@group(0) @binding(8) var<storage, read_write> partial: array<vec4<f32>>;

// Where the columns of a tile lie among all: their first, and how many there are, in vec4s.
struct Channels {
  first: u32,
  count: u32,
}

// Numbers of a thread's two vec4s of columns.
struct Pair {
  first: vec4<f32>,
  second: vec4<f32>,
}

// A row's, as stored; zeros beyond `end`, the last row and column.
fn put_row(row: u32, col: u32, end: vec2<u32>, v: vec4<f32>, w: vec4<f32>) -> Pair {
  var pair = Pair();
  if (row < end.x) {
    if (col < end.y) { pair.first = put_vec4(row, col, v); }
    if (WIDE == 2u) {
      if (col + ACROSS < end.y) { pair.second = put_vec4(row, col + ACROSS, w); }
    }
  }
  return pair;
}

struct Four_rows {
  first: mat4x4<f32>,
  second: mat4x4<f32>,
}

fn put_four(row: u32, col: u32, end: vec2<u32>, v: mat4x4<f32>, w: mat4x4<f32>) -> Four_rows {
  let a = put_row(row, col, end, v[0], w[0]);
  let b = put_row(row + 1u, col, end, v[1], w[1]);
  let c = put_row(row + 2u, col, end, v[2], w[2]);
  let d = put_row(row + 3u, col, end, v[3], w[3]);
  return Four_rows(
    mat4x4<f32>(a.first, b.first, c.first, d.first),
    mat4x4<f32>(a.second, b.second, c.second, d.second),
  );
}

fn sum_of(rows: mat4x4<f32>) -> vec4<f32> {
  return (rows[0] + rows[1]) + (rows[2] + rows[3]);
}

// Σ (row − mean)² over the first `count` of four rows.
fn squares_of(rows: mat4x4<f32>, mean: vec4<f32>, count: u32) -> vec4<f32> {
  let zero = vec4<f32>();
  let a = select(zero, rows[0] - mean, count > 0u);
  let b = select(zero, rows[1] - mean, count > 1u);
  let c = select(zero, rows[2] - mean, count > 2u);
  let d = select(zero, rows[3] - mean, count > 3u);
  return (a * a + b * b) + (c * c + d * d);
}

// The sums over the threads of a column, in a fixed order.
fn sum_down(own: Pair, lane: u32) -> Pair {
  left_tile[lane] = own.first;
  right_tile[lane] = own.second;
  workgroupBarrier();
  for (var live = DOWN / 2u; live > 0u; live = live / 2u) {
    if (lane < live * ACROSS) {
      left_tile[lane] += left_tile[lane + live * ACROSS];
      if (WIDE == 2u) {
        right_tile[lane] += right_tile[lane + live * ACROSS];
      }
    }
    workgroupBarrier();
  }
  let sums = Pair(left_tile[lane % ACROSS], right_tile[lane % ACROSS]);
  workgroupBarrier();
  return sums;
}

fn put_part(part: u32, channel: u32, channels: u32, mean: vec4<f32>, squares: vec4<f32>, count: f32) {
  let at = part * 3u * channels + channel;
  partial[at] = mean;
  partial[at + channels] = squares;
  partial[at + 2u * channels] = vec4<f32>(count);
}

fn put_and_sum(own: Square, origin: vec2<u32>, lane: u32, end: vec2<u32>, channels: Channels) {
  let row = origin.x + 4u * (lane / ACROSS);
  let col = origin.y + lane % ACROSS;
  let lower = row + 4u * DOWN;
  let upper_rows = put_four(row, col, end, own.c00, own.c01);
  var lower_rows = Four_rows();
  if (HIGH == 2u) {
    lower_rows = put_four(lower, col, end, own.c10, own.c11);
  }
  let upper_count = min(max(row, end.x) - row, 4u);
  let lower_count = min(max(lower, end.x) - lower, 4u);
  let count = f32(min(end.x - origin.x, 4u * HIGH * DOWN));
  let first = sum_of(upper_rows.first) + sum_of(lower_rows.first);
  let second = sum_of(upper_rows.second) + sum_of(lower_rows.second);
  let sums = sum_down(Pair(first, second), lane);
  let mean = Pair(sums.first / count, sums.second / count);
  var squares = Pair(
    squares_of(upper_rows.first, mean.first, upper_count),
    squares_of(upper_rows.second, mean.second, upper_count),
  );
  if (HIGH == 2u) {
    squares.first += squares_of(lower_rows.first, mean.first, lower_count);
    squares.second += squares_of(lower_rows.second, mean.second, lower_count);
  }
  squares = sum_down(squares, lane);
  if (lane < ACROSS) {
    let part = origin.x / (4u * HIGH * DOWN);
    let channel = channels.first + col;
    if (col < end.y) { put_part(part, channel, channels.count, mean.first, squares.first, count); }
    if (WIDE == 2u) {
      if (col + ACROSS < end.y) {
        put_part(part, channel + ACROSS, channels.count, mean.second, squares.second, count);
      }
    }
  }
}

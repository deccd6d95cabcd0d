// The rows of a thread's Square (tile.wgsl), one after the other, to `put_vec4(row, col, v)`: rows and vec4s of columns
// beyond the last are left out.
fn put_pair(row: u32, col: u32, rows: u32, cols: u32, v: vec4<f32>, w: vec4<f32>) {
  if (row < rows) {
    if (col < cols) { put_vec4(row, col, v); }
    if (WIDE == 2u) {
      if (col + ACROSS < cols) { put_vec4(row, col + ACROSS, w); }
    }
  }
}

fn put_square(own: Square, origin: vec2<u32>, lane: u32, rows: u32, cols: u32) {
  let row = origin.x + 4u * (lane / ACROSS);
  let col = origin.y + lane % ACROSS;
  put_pair(row, col, rows, cols, own.c00[0], own.c01[0]);
  put_pair(row + 1u, col, rows, cols, own.c00[1], own.c01[1]);
  put_pair(row + 2u, col, rows, cols, own.c00[2], own.c01[2]);
  put_pair(row + 3u, col, rows, cols, own.c00[3], own.c01[3]);
  if (HIGH == 2u) {
    let lower = row + 4u * DOWN;
    put_pair(lower, col, rows, cols, own.c10[0], own.c11[0]);
    put_pair(lower + 1u, col, rows, cols, own.c10[1], own.c11[1]);
    put_pair(lower + 2u, col, rows, cols, own.c10[2], own.c11[2]);
    put_pair(lower + 3u, col, rows, cols, own.c10[3], own.c11[3]);
  }
}

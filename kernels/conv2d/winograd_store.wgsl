// Writes the 16 numbers of a transformed tile, row by row, to `out`.
fn put_tile(at: u32, r0: mat4x4<f32>, r1: mat4x4<f32>, r2: mat4x4<f32>, r3: mat4x4<f32>) {
  put_line(at, r0);
  put_line(at + 4u * params.place, r1);
  put_line(at + 8u * params.place, r2);
  put_line(at + 12u * params.place, r3);
}

fn put_line(at: u32, v: mat4x4<f32>) {
  out[at] = v[0];
  out[at + params.place] = v[1];
  out[at + 2u * params.place] = v[2];
  out[at + 3u * params.place] = v[3];
}

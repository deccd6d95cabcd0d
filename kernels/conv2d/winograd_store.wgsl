// Writes row i of the 4x4 numbers of a transformed tile to `out`. Rows are written as soon as they are known: all 16
// vec4s at once are more than the registers of a thread on Intel's GPUs.
fn put_line(at: u32, i: u32, v: mat4x4<f32>) {
  let first = at + 4u * i * params.place;
  out[first] = v[0];
  out[first + params.place] = v[1];
  out[first + 2u * params.place] = v[2];
  out[first + 3u * params.place] = v[3];
}

// Puts what of a strip lies inside a row of `width` pixels that starts at pixel `start`. Who includes this declares
// `put(i, v)`, which stores v at the index i.
fn store_strip(start: u32, column: i32, width: u32, channel: u32, strip: Strip) {
  let i = (start * params.channels + channel) + u32(column) * params.channels; // wraps back where column is -1
  if (column >= 0) { put(i, strip.a); }
  if (column + 1 < i32(width)) { put(i + params.channels, strip.b); }
  if ((STRIP == 4u) & (column + 2 < i32(width))) { put(i + 2u * params.channels, strip.c); }
  if ((STRIP == 4u) & (column + 3 < i32(width))) { put(i + 3u * params.channels, strip.d); }
}

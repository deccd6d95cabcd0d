// Writes what of a strip lies inside a row of `width` pixels that starts at pixel `start`.
fn store_strip(start: u32, column: i32, width: u32, channel: u32, strip: Strip) {
  let i = (start * params.channels + channel) + u32(column) * params.channels; // wraps back where column is -1
  if (column >= 0) { out[i] = Out(storable(strip.a)); }
  if (column + 1 < i32(width)) { out[i + params.channels] = Out(storable(strip.b)); }
  if ((STRIP == 4u) & (column + 2 < i32(width))) { out[i + 2u * params.channels] = Out(storable(strip.c)); }
  if ((STRIP == 4u) & (column + 3 < i32(width))) { out[i + 3u * params.channels] = Out(storable(strip.d)); }
}

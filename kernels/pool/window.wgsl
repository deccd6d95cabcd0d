// The geometry of pooling: x [batch, inH, inW, channels], y [batch, outH, outW, channels]; window (ho, wo) sees the
// rows ho·strideH − padTop + r and columns wo·strideW − padLeft + s, 0 <= r < sizeH, 0 <= s < sizeW, that lie inside x.
// Channels are counted in Values: four neighbouring channels, or one where 4 does not divide them.
struct Params {
  batch: u32,
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
  channels: u32,
  sizeH: u32,
  sizeW: u32,
  strideH: u32,
  strideW: u32,
  padTop: u32,
  padLeft: u32,
  countPadding: u32, // average: 1 divides by the window's whole size, 0 by what of it lies inside x
}

struct Span {
  first: u32,
  end: u32,
}

// What of a window lies inside the image, in one dimension.
fn window_span(at: u32, stride: u32, pad: u32, size: u32, inside: u32) -> Span {
  let start = i32(at * stride) - i32(pad);
  return Span(u32(max(start, 0)), u32(min(start + i32(size), i32(inside))));
}

// The outputs first..end whose windows see the image's row (or column) `at`.
fn windows_over(at: u32, stride: u32, pad: u32, size: u32, outside: u32) -> Span {
  let padded = at + pad;
  let first = select(0u, (padded - size) / stride + 1u, padded >= size);
  return Span(first, min(padded / stride + 1u, outside));
}

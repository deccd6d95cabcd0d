// The geometry of pooling: x [batch, inH, inW, channels], y [batch, outH, outW, channels]; window (ho, wo) sees the
// rows ho·strideH − padTop + r·dilationH and columns wo·strideW − padLeft + s·dilationW, r < sizeH and s < sizeW, that
// lie inside x. Channels are counted in Values: four neighbouring channels, or one where 4 does not divide them.
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
  dilationH: u32,
  dilationW: u32,
  paddedH: u32, // average: inH and inW, and the padding below and to the right where it counts
  paddedW: u32,
  countPadding: u32, // average: 1 divides by what of the window lies inside x or its padding, 0 by what lies inside x
}

// One of the two dimensions.
struct Axis {
  stride: u32,
  pad: u32,
  size: u32,
  dilation: u32,
  inside: u32,
  padded: u32,
  outside: u32,
}

fn down() -> Axis {
  let p = params;
  return Axis(p.strideH, p.padTop, p.sizeH, p.dilationH, p.inH, p.paddedH, p.outH);
}

fn across() -> Axis {
  let p = params;
  return Axis(p.strideW, p.padLeft, p.sizeW, p.dilationW, p.inW, p.paddedW, p.outW);
}

struct Span {
  first: u32,
  end: u32,
}

// What of window `at` lies inside the image: the pixels from first to end, dilation apart.
fn window_span(at: u32, axis: Axis) -> Span {
  let start = i32(at * axis.stride) - i32(axis.pad);
  let dilation = i32(axis.dilation);
  let skipped = (max(-start, 0) + dilation - 1) / dilation;
  let end = start + (i32(axis.size) - 1) * dilation + 1;
  return Span(u32(start + skipped * dilation), u32(min(end, i32(axis.inside))));
}

// The outputs first..end whose windows reach over the image's row (or column) `at`: all of them see it where the
// dilation is 1.
fn windows_over(at: u32, axis: Axis) -> Span {
  let padded = at + axis.pad;
  let reach = (axis.size - 1u) * axis.dilation + 1u;
  let first = select(0u, (padded - reach) / axis.stride + 1u, padded >= reach);
  return Span(first, min(padded / axis.stride + 1u, axis.outside));
}

// Whether window `at`, which reaches over `pixel`, sees it.
fn window_sees(at: u32, pixel: u32, axis: Axis) -> bool {
  return (pixel + axis.pad - at * axis.stride) % axis.dilation == 0u;
}

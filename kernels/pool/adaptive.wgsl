// The windows of adaptive pooling: of `outputs` windows over `inputs` pixels, window o sees the pixels from
// ⌊o·inputs/outputs⌋ to ⌈(o + 1)·inputs/outputs⌉, so that all of them together see every pixel. The windows that see
// pixel i are found by the same formula with the two exchanged: o·inputs/outputs < i + 1 and (o + 1)·inputs/outputs > i
// say of o what the formula says of i.
struct Params {
  batch: u32,
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
  channels: u32, // in Values
}

struct Span {
  first: u32,
  end: u32,
}

fn shared_span(i: u32, mine: u32, other: u32) -> Span {
  return Span(i * other / mine, ((i + 1u) * other + mine - 1u) / mine);
}

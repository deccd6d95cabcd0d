// The sizes of a sum over the middle dimension of [outer, length, inner].
struct Params {
  outer: u32,
  length: u32,
  inner: u32, // in Values
  parts: u32,
  scale: f32,
}

// The geometry of a depthwise convolution:
// x [batch, inH, inW, channels], w [filterH, filterW, channels], y [batch, outH, outW, channels]
// Channels are counted in Values: four neighbouring channels, or one where 4 does not divide them.
struct Params {
  batch: u32,
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
  channels: u32,
  filterH: u32,
  filterW: u32,
  strideH: u32,
  strideW: u32,
  dilationH: u32,
  dilationW: u32,
  padTop: u32,
  padLeft: u32,
  parts: u32, // of the filter gradient's sum; 1 elsewhere
}

// The numbers of a convolution; what each means is said at ConvGeometry in engine/ops/conv_geometry.ts.
struct Params {
  batch: u32,
  inH: u32,
  inW: u32,
  inChannels: u32,
  filterH: u32,
  filterW: u32,
  outH: u32,
  outW: u32,
  outChannels: u32,
  strideH: u32,
  strideW: u32,
  dilationH: u32,
  dilationW: u32,
  padTop: u32,
  padLeft: u32,
  groups: u32,
  rowByRow: u32, // the order of tiles, where there are any: see block.wgsl
}

// How Winograd's transforms see a convolution of 3x3 taps: a tile is 2x2 outputs, and the 4x4 pixels that they look at.
// Tiles are counted image by image and line by line; the kernels work on `count` of them from `first` on. Channels are
// counted in Values.
struct Params {
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
  channels: u32, // of the tensor that is transformed
  padTop: i32, // may be negative: rows and columns that no output sees
  padLeft: i32,
  tilesH: u32, // tiles of an image, down and across
  tilesW: u32,
  first: u32,
  count: u32,
  // Where the transformed numbers lie: the distances between tiles and between a tile's 16 places.
  tile: u32,
  place: u32,
}

struct Tile {
  n: u32,
  // The first output.
  ho: u32,
  wo: u32,
}

fn tile_of(local: u32) -> Tile {
  let t = params.first + local;
  let line = t / params.tilesW;
  return Tile(line / params.tilesH, line % params.tilesH * 2u, (t - line * params.tilesW) * 2u);
}

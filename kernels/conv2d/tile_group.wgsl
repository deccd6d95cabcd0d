// A tile of ../matmul/tile.wgsl that lies in one group of channels: which, and its first row and vec4 of columns within the group. The tiles of one group
// follow those of the other; `own` are a group's vec4s.
struct GroupTile {
  which: u32,
  origin: vec2<u32>,
}

fn group_tile(origin: vec2<u32>, own: u32) -> GroupTile {
  let width = 2u * ACROSS;
  let tiles = (own + width - 1u) / width;
  let which = origin.y / width / tiles;
  return GroupTile(which, vec2<u32>(origin.x, origin.y - which * tiles * width));
}

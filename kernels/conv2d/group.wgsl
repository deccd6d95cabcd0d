// Tiles of columns of grouped convolutions: each group has its own, one group after the other.
struct GroupColumn {
  group: u32,
  col: u32, // within the group
}

// Where the tile that begins at `col` lies, with `own_columns` columns to a group and `width` to a tile; no tile
// reaches into the next group.
fn group_column(col: u32, own_columns: u32, width: u32) -> GroupColumn {
  let tiles = (own_columns + width - 1u) / width;
  let tile = col / width;
  return GroupColumn(tile / tiles, tile % tiles * width);
}

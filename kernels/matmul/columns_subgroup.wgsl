// eight_columns for block.wgsl, shared out: the tile of the right operand is eight vec4s, so each of eight lanes loads
// one and hands it to the others. On a software adapter a load costs some fifty times a multiplication, a broadcast
// about four: this halves the loads. Only for subgroups of eight lanes or more: a test of their size in here, where the
// engine knows it before, made the kernel a tenth slower and twice as long to compile on lavapipe, which keeps what two
// branches make in memory, lane by lane.
var<private> subgroup_lane: u32;

fn eight_columns(first: u32, ld: u32, rest: u32) -> Eight {
  let piece = subgroup_lane & select(7u, 3u, COLUMNS == 4u);
  let loaded = right_at(first + piece_offset(piece, ld));
  let v = select(vec4<f32>(), loaded, RIGHT_TRANSPOSED == 1u || select(piece / 2u, piece, COLUMNS == 4u) < rest);
  let v0 = subgroupBroadcast(v, 0u);
  let v1 = subgroupBroadcast(v, 1u);
  let v2 = subgroupBroadcast(v, 2u);
  let v3 = subgroupBroadcast(v, 3u);
  if (COLUMNS == 4u) {
    return Eight(four_columns(v0, v1, v2, v3, 4u), mat4x4<f32>());
  }
  let v4 = subgroupBroadcast(v, 4u);
  let v5 = subgroupBroadcast(v, 5u);
  let v6 = subgroupBroadcast(v, 6u);
  let v7 = subgroupBroadcast(v, 7u);
  if (RIGHT_TRANSPOSED == 1u) {
    return Eight(transpose(mat4x4<f32>(v0, v1, v2, v3)), transpose(mat4x4<f32>(v4, v5, v6, v7)));
  }
  return Eight(mat4x4<f32>(v0, v2, v4, v6), mat4x4<f32>(v1, v3, v5, v7));
}

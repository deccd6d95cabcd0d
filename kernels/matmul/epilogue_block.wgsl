// put_rows of block.wgsl behind the epilogue (epilogue.wgsl): the operands of a channel serve all four rows. `channel` is the block's first
// column; it and `channels` count vec4s.
fn finish_rows(own: Block, at: vec4<u32>, rows: u32, count: u32, channel: u32, channels: u32) {
  let s0 = channel_operands(channel, channels);
  let s1 = channel_operands(channel + 1u, channels);
  let s2 = channel_operands(channel + 2u, channels);
  let s3 = channel_operands(channel + 3u, channels);
  for (var i = 0u; i < rows; i++) {
    let to = number_of(at, i);
    var v0 = row_of(own.c0, i);
    var v1 = row_of(own.c1, i);
    var v2 = row_of(own.c2, i);
    var v3 = row_of(own.c3, i);
    if (EPILOGUE0 != 0u) {
      v0 = epilogue(v0, to, s0);
      if (COLUMNS > 4u) { v1 = epilogue(v1, to + 1u, s1); }
      if (COLUMNS == 16u) {
        v2 = epilogue(v2, to + 2u, s2);
        v3 = epilogue(v3, to + 3u, s3);
      }
    }
    put_row(to, count, v0, v1, v2, v3);
  }
}

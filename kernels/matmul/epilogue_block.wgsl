// put_rows of block.wgsl behind the epilogue (epilogue.wgsl): the operands of a channel serve all four rows. `channel`
// is the block's first column; it and `channels` count vec4s.
fn finish_rows(own: Block, at: vec4<u32>, rows: u32, count: u32, channel: u32, channels: u32) {
  let s0 = channel_operands(channel, channels);
  let s1 = channel_operands(channel + 1u, channels);
  let s2 = channel_operands(channel + 2u, channels);
  let s3 = channel_operands(channel + 3u, channels);
  let s4 = channel_operands(channel + 4u, channels);
  let s5 = channel_operands(channel + 5u, channels);
  for (var i = 0u; i < rows; i++) {
    let to = number_of(at, i);
    var line = line_of(own, i);
    if (EPILOGUE0 != 0u) {
      line.v0 = epilogue(line.v0, to, s0);
      if (COLUMNS > 4u) { line.v1 = epilogue(line.v1, to + 1u, s1); }
      if (COLUMNS > 8u) {
        line.v2 = epilogue(line.v2, to + 2u, s2);
        line.v3 = epilogue(line.v3, to + 3u, s3);
      }
      if (COLUMNS > 16u) {
        line.v4 = epilogue(line.v4, to + 4u, s4);
        line.v5 = epilogue(line.v5, to + 5u, s5);
      }
    }
    put_line(to, count, line);
  }
}

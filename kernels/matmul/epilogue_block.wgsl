// The epilogue (epilogue.wgsl) over a thread's block: the operands of a channel serve all four rows.
fn finish_tile(tile: mat4x4<f32>, at: vec4<u32>, channel: u32, channels: u32) -> mat4x4<f32> {
  let own = channel_operands(channel, channels);
  return mat4x4<f32>(epilogue(tile[0], at.x, own), epilogue(tile[1], at.y, own), epilogue(tile[2], at.z, own), epilogue(tile[3], at.w, own));
}

// `at` are the indices where the four rows of the block begin, `channel` its first column; both and `channels` in vec4s.
fn finish(own: Block, at: vec4<u32>, channel: u32, channels: u32) -> Block {
  if (EPILOGUE0 == 0u) {
    return own;
  }
  let c0 = finish_tile(own.c0, at, channel, channels);
  if (COLUMNS == 4u) {
    return Block(c0, own.c1, own.c2, own.c3);
  }
  let c1 = finish_tile(own.c1, at + 1u, channel + 1u, channels);
  if (COLUMNS == 8u) {
    return Block(c0, c1, own.c2, own.c3);
  }
  return Block(c0, c1, finish_tile(own.c2, at + 2u, channel + 2u, channels), finish_tile(own.c3, at + 3u, channel + 3u, channels));
}

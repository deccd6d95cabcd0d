// What a batch-norm thread owns: one Value of channels (four neighbours, or one where 4 does not divide them) in a
// chunk of consecutive rows of x [rows, channels], a row being all channels of one pixel. Neighbouring threads own
// neighbouring channels. What depends on the channel alone is loaded once for the whole chunk.
struct Share {
  inside: bool,
  channel: u32, // in Values
  part: u32,    // number of the chunk
  first: u32,   // rows first .. end
  end: u32,
}

fn share_of(thread: u32) -> Share {
  let part = thread / params.channels;
  let first = part * params.chunk;
  return Share(part < params.parts, thread % params.channels, part, first, min(first + params.chunk, params.rows));
}

// What a batch-norm thread owns: one Value of channels (four neighbours, or one where 4 does not divide them) in a
// chunk of consecutive rows of x [samples · rows, channels], a row being all channels of one pixel. Chunks end with
// their sample; what treats all pixels of a batch alike calls them one sample. Neighbouring threads own neighbouring
// channels. What depends on the channel, or on channel and sample, is loaded once for the whole chunk.
struct Share {
  inside: bool,
  channel: u32, // in Values
  sample: u32,
  part: u32,    // number of the chunk, counted through all samples
  first: u32,   // rows first .. end
  end: u32,
}

fn share_of(thread: u32) -> Share {
  let part = thread / params.channels;
  let sample = part / params.parts;
  let first = sample * params.rows + part % params.parts * params.chunk;
  let end = min(first + params.chunk, (sample + 1u) * params.rows);
  return Share(sample < params.samples, thread % params.channels, sample, part, first, end);
}

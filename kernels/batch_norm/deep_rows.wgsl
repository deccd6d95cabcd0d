// What a thread of a sum over rows owns. With a DEPTH of 1 that is what rows.wgsl says; else a workgroup owns a chunk
// of rows of COLUMNS Values of channels, and the threads below each other (include/depth.wgsl) take turns with its
// rows. A thread that owns nothing has no rows: `end` is 0.
fn deep_share_of(group: u32, lane: u32) -> Share {
  if (DEPTH == 1u) {
    var mine = share_of(group * COLUMNS + lane);
    if (!mine.inside) {
      mine.end = 0u;
    }
    return mine;
  }
  let across = (params.channels + COLUMNS - 1u) / COLUMNS;
  let column = group % across * COLUMNS + lane % COLUMNS;
  let part = group / across;
  let sample = part / params.parts;
  let first = sample * params.rows + part % params.parts * params.chunk;
  var end = 0u;
  if (sample < params.samples && column < params.channels) {
    end = min(first + params.chunk, (sample + 1u) * params.rows);
  }
  let channel = min(column, params.channels - 1u);
  return Share(lane < COLUMNS && end > 0u, channel, sample, part, first + lane / COLUMNS, end);
}

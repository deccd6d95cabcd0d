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
  let first = part * params.chunk;
  var end = 0u;
  if (part < params.parts && column < params.channels) {
    end = min(first + params.chunk, params.rows);
  }
  return Share(lane < COLUMNS && end > 0u, min(column, params.channels - 1u), part, first + lane / COLUMNS, end);
}

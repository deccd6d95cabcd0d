// What a thread owns where a workgroup sums what it makes (../include/depth.wgsl): a Value of channels of a piece of
// the image. A workgroup has COLUMNS of those of DEPTH pieces, and makes part number `part` of the sums.
struct Piece {
  part: u32,
  piece: u32,
  channel: u32,
  has_work: bool,
  has_part: bool, // the Value's part exists
}

fn piece_of(group: u32, lane: u32) -> Piece {
  let across = (params.channels + COLUMNS - 1u) / COLUMNS;
  let pieces = params.size / params.channels;
  let part = group / across;
  let piece = part * DEPTH + lane / COLUMNS;
  let channel = group % across * COLUMNS + lane % COLUMNS;
  let inside = channel < params.channels;
  return Piece(part, piece, channel, inside && piece < pieces, inside && part * DEPTH < pieces);
}

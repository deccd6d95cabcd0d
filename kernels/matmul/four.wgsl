// Four vec4s of an operand that lies as a matrix, to be loaded for a tile (tile.wgsl): what lies beyond the depth is
// read at its end instead. A tile's lines beyond the matrix are its last line and up to three after it, whatever lies
// there: what they make is not used. To hold a place for each of the four lines took eight registers of Intel's 128.
struct Four {
  line: u32, // where the first of four lines lies, from `at`; all in vec4s
  ld: u32, // from a line to the next
  at: u32,
  last: u32, // of `at`, or of the sum
}

// Lines that run along the depth, `count` of them.
fn four_along(line: u32, count: u32, ld: u32, k: u32, end: u32) -> Four {
  return Four(min(line, count - 1u) * ld, ld, k / 4u, (end - 1u) / 4u);
}

fn at_along(four: Four) -> vec4<u32> {
  return four.line + min(four.at, four.last) + NEXT * four.ld;
}

// Lines that are depths: of each the vec4 `col`.
fn four_across(col: u32, ld: u32, k: u32, end: u32) -> Four {
  return Four(0u, ld, k * ld + col, (end - 1u) * ld + col);
}

fn at_across(four: Four) -> vec4<u32> {
  return min(four.at + NEXT * four.ld, vec4<u32>(four.last));
}

fn four_next(four: Four, step: u32) -> Four {
  return Four(four.line, four.ld, four.at + step, four.last);
}

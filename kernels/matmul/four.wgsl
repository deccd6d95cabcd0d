// Four vec4s of an operand that lies as a matrix, to be loaded for a tile (tile.wgsl): what lies beyond the matrix, or
// beyond the depth, is read at its end instead.
struct Four {
  lines: vec4<u32>, // where each lies, from `at`; all in vec4s
  at: u32,
  last: u32, // of `at`, or of the sum
}

// Lines that run along the depth, `count` of them.
fn four_along(line: u32, count: u32, ld: u32, k: u32, end: u32) -> Four {
  return Four(min(line + NEXT, vec4<u32>(count - 1u)) * ld, k / 4u, (end - 1u) / 4u);
}

fn at_along(four: Four) -> vec4<u32> {
  return four.lines + min(four.at, four.last);
}

// Lines that are depths: of each the vec4 `col`.
fn four_across(col: u32, ld: u32, k: u32, end: u32) -> Four {
  return Four(NEXT * ld, k * ld + col, (end - 1u) * ld + col);
}

fn at_across(four: Four) -> vec4<u32> {
  return min(four.lines + four.at, vec4<u32>(four.last));
}

fn four_next(four: Four, step: u32) -> Four {
  return Four(four.lines, four.at + step, four.last);
}

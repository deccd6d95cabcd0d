// eight_columns for block.wgsl: every thread loads the whole tile of the right operand. The threads of a workgroup ask for
// the same addresses, which a GPU serves with one access.
//!include columns_alone.wgsl

fn eight_columns(first: u32, ld: u32, rest: u32) -> Eight {
  return columns_alone(first, ld, rest);
}

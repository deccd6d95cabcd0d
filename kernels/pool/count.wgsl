// What an average divides by: how many places of window (ho, wo) lie inside x, or inside x and its padding. Windows of
// a rounded-up output hang over that too.
fn window_count(ho: u32, wo: u32) -> f32 {
  return f32(places(ho, down()) * places(wo, across()));
}

fn places(at: u32, axis: Axis) -> u32 {
  let start = at * axis.stride;
  let until = min(axis.size, (axis.padded + axis.pad - start + axis.dilation - 1u) / axis.dilation);
  let skipped = (max(axis.pad, start) - start + axis.dilation - 1u) / axis.dilation;
  return until - select(skipped, 0u, params.countPadding == 1u);
}

// What an average divides by: the window's size, or only the part of it that lies inside x.
fn window_count(rows: Span, columns: Span) -> f32 {
  let inside = (rows.end - rows.first) * (columns.end - columns.first);
  return f32(select(inside, params.sizeH * params.sizeW, params.countPadding == 1u));
}

// Pixels of x from `column` on, as many as a strip's windows see, in channel group `channel`.
fn load(at: Place, column: i32, channel: u32) -> Value {
  return select(Value(0.0), x[pixel(at, column) * params.channels + channel], inside(at, column));
}

fn load_row(at: Place, column: i32, channel: u32) -> Row {
  var row: Row;
  row.a = load(at, column, channel);
  row.b = load(at, column + 1, channel);
  row.c = load(at, column + 2, channel);
  row.d = load(at, column + 3, channel);
  row.e = load(at, column + 4, channel);
  row.f = load(at, column + 5, channel);
  if (FILTER + STRIDE > 4u) {
    row.g = load(at, column + 6, channel);
    row.h = load(at, column + 7, channel);
  }
  if (STRIDE == 2u) {
    row.i = load(at, column + 8, channel);
  }
  if (FILTER + STRIDE == 7u) {
    row.j = load(at, column + 9, channel);
    row.k = load(at, column + 10, channel);
  }
  return row;
}

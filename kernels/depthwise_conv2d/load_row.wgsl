// The columns that a strip's windows see, found once for all the rows that a thread walks down: where each lies in its
// row, for one channel group, and whether it lies in the image at all. Pixels are normalised as they are read, where
// the compiler asks for it; beyond the image are zeros.
//!include ../batch_norm/normalised.wgsl

struct Column {
  offset: u32,
  inside: bool,
}

struct Columns {
  a: Column,
  b: Column,
  c: Column,
  d: Column,
  e: Column,
  f: Column,
  g: Column,
  h: Column,
  i: Column,
  j: Column,
  k: Column,
}

fn column_at(column: i32, width: u32, channel: u32) -> Column {
  let near = u32(clamp(column, 0, i32(width) - 1));
  return Column(near * params.channels + channel, (column >= 0) & (column < i32(width)));
}

fn columns_from(column: i32, width: u32, channel: u32) -> Columns {
  var at: Columns;
  at.a = column_at(column, width, channel);
  at.b = column_at(column + 1, width, channel);
  at.c = column_at(column + 2, width, channel);
  at.d = column_at(column + 3, width, channel);
  if (PIXELS > 4u) { at.e = column_at(column + 4, width, channel); }
  if (PIXELS > 5u) { at.f = column_at(column + 5, width, channel); }
  if (PIXELS > 6u) { at.g = column_at(column + 6, width, channel); }
  if (PIXELS > 7u) { at.h = column_at(column + 7, width, channel); }
  if (PIXELS > 8u) { at.i = column_at(column + 8, width, channel); }
  if (PIXELS > 9u) { at.j = column_at(column + 9, width, channel); }
  if (PIXELS > 10u) { at.k = column_at(column + 10, width, channel); }
  return at;
}

fn load(at: Place, column: Column) -> Value {
  let pixel = normalised(Value(x[at.start * params.channels + column.offset]));
  return select(Value(0.0), pixel, at.inside & column.inside);
}

fn load_row(at: Place, columns: Columns) -> Row {
  var row: Row;
  row.a = load(at, columns.a);
  row.b = load(at, columns.b);
  row.c = load(at, columns.c);
  row.d = load(at, columns.d);
  if (PIXELS > 4u) { row.e = load(at, columns.e); }
  if (PIXELS > 5u) { row.f = load(at, columns.f); }
  if (PIXELS > 6u) { row.g = load(at, columns.g); }
  if (PIXELS > 7u) { row.h = load(at, columns.h); }
  if (PIXELS > 8u) { row.i = load(at, columns.i); }
  if (PIXELS > 9u) { row.j = load(at, columns.j); }
  if (PIXELS > 10u) { row.k = load(at, columns.k); }
  return row;
}

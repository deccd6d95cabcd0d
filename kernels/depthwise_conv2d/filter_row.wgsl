// Row r of the filter in channel group `channel`; FLIP turns the filter by half a turn.
override FLIP: u32 = 0;

fn filter_row(r: u32, channel: u32) -> FilterRow {
  let last = FILTER * FILTER - 1u;
  let first = r * FILTER;
  var row: FilterRow;
  row.a = w[select(first, last - first, FLIP == 1u) * params.channels + channel];
  row.b = w[select(first + 1u, last - first - 1u, FLIP == 1u) * params.channels + channel];
  row.c = w[select(first + 2u, last - first - 2u, FLIP == 1u) * params.channels + channel];
  if (FILTER == 5u) {
    row.d = w[select(first + 3u, last - first - 3u, FLIP == 1u) * params.channels + channel];
    row.e = w[select(first + 4u, last - first - 4u, FLIP == 1u) * params.channels + channel];
  }
  return row;
}

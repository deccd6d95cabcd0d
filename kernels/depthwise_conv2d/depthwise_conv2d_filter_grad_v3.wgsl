// partial[p, r, s, c] = Σ x[n, ho·STRIDE + r − padTop, wo·STRIDE + s − padLeft, c] · dy[n, ho, wo, c]
// over the outputs (n, ho, wo) of part p
//
// v3, for GPUs: v2 with each product added to the sum that is there, by one instruction, and with few instructions
// beside these.
// - All threads take as many turns: where a loop ends is known before it begins, and no register is kept for threads
//   that left it sooner. What a thread has too many of finds no row of x, and adds nothing.
// - The last strip of a row ends where the row ends. It leaves out the outputs of the strip before. So windows look
//   beyond the image in their first LEFT and last RIGHT columns alone; other pixels are neither clamped nor replaced.
// - Rows of x beyond the image are not loaded as zeros, but skipped by a branch, which lanes of a piece take alike.
//!include filter_parts.wgsl
//!include ../batch_norm/normalised.wgsl

// Of the pixels that a strip's windows see, the first LEFT and the last RIGHT may lie beyond the image.
override LEFT: u32 = 0;
override RIGHT: u32 = 0;
// The first outputs of a strip that is longer than a row of outputs: they are none.
override SPARE: u32 = 0;

// Pixel k of those that a strip's windows see, of which the first is in `column`, of a row that begins at `start`.
fn load(k: u32, column: i32, start: u32) -> Value {
  if (k >= LEFT && k + RIGHT < PIXELS) {
    return normalised(Value(x[start + u32(column) * params.channels + k * params.channels]));
  }
  let own = column + i32(k);
  var near = own;
  if (k < LEFT) {
    near = max(near, 0);
  }
  if (k + RIGHT >= PIXELS) {
    near = min(near, i32(params.inW) - 1);
  }
  return select(Value(0.0), normalised(Value(x[start + u32(near) * params.channels])), near == own);
}

fn load_row(column: i32, start: u32) -> Row {
  var row: Row;
  row.a = load(0u, column, start);
  row.b = load(1u, column, start);
  row.c = load(2u, column, start);
  row.d = load(3u, column, start);
  row.e = load(4u, column, start);
  row.f = load(5u, column, start);
  if (PIXELS > 6u) { row.g = load(6u, column, start); }
  if (PIXELS > 7u) { row.h = load(7u, column, start); }
  if (PIXELS > 8u) { row.i = load(8u, column, start); }
  if (PIXELS > 9u) { row.j = load(9u, column, start); }
  if (PIXELS > 10u) { row.k = load(10u, column, start); }
  return row;
}

// Cotangent k of a strip that begins at `start`; zero among those that it leaves out, its first `without`.
fn load_dy(k: u32, start: u32, without: u32) -> Value {
  if (k < SPARE) {
    return Value(0.0);
  }
  return select(Value(0.0), Value(dy[start + k * params.channels]), k >= without);
}

fn load_strip(start: u32, without: u32) -> Strip {
  return Strip(
    load_dy(0u, start, without),
    load_dy(1u, start, without),
    load_dy(2u, start, without),
    load_dy(3u, start, without),
  );
}

// w on which the products of one tap are added.
fn product_on(w: Value, a: Value, b: Value, c: Value, d: Value, strip: Strip) -> Value {
  return w + a * strip.a + b * strip.b + c * strip.c + d * strip.d;
}

fn correlate_on(before: FilterRow, x: Row, d: Strip) -> FilterRow {
  var w: FilterRow;
  if (STRIDE == 1u) {
    w.a = product_on(before.a, x.a, x.b, x.c, x.d, d);
    w.b = product_on(before.b, x.b, x.c, x.d, x.e, d);
    w.c = product_on(before.c, x.c, x.d, x.e, x.f, d);
    if (FILTER == 5u) {
      w.d = product_on(before.d, x.d, x.e, x.f, x.g, d);
      w.e = product_on(before.e, x.e, x.f, x.g, x.h, d);
    }
  } else {
    w.a = product_on(before.a, x.a, x.c, x.e, x.g, d);
    w.b = product_on(before.b, x.b, x.d, x.f, x.h, d);
    w.c = product_on(before.c, x.c, x.e, x.g, x.i, d);
    if (FILTER == 5u) {
      w.d = product_on(before.d, x.d, x.f, x.h, x.j, d);
      w.e = product_on(before.e, x.e, x.g, x.i, x.k, d);
    }
  }
  return w;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  let part = t / params.channels;
  let channel = t % params.channels;
  own_norm = norm_of(channel, params.channels);
  var w0: FilterRow;
  var w1: FilterRow;
  var w2: FilterRow;
  var w3: FilterRow;
  var w4: FilterRow;
  for (var nth = 0u; nth < params.share; nth++) {
    let is_own = part * params.share + nth < params.pieces;
    let piece = min(part * params.share + nth, params.pieces - 1u);
    let strip = piece % params.strips;
    let chunk = piece / params.strips % params.chunks;
    let n = piece / params.strips / params.chunks;
    let begin = chunk * params.rows;
    let end = min(begin + params.rows, params.outH);
    // Of x, below the last row that an output of the chunk sees.
    let below = select(0u, min((end - 1u) * STRIDE + FILTER - params.padTop, params.inH), is_own);
    let wo = min(i32(strip * 4u), i32(params.outW) - 4);
    let shared_outputs = u32(i32(strip * 4u) - wo);
    let column = wo * i32(STRIDE) - i32(params.padLeft);
    // The cotangents of an output row and of those before it, while rows of x that they see are still to come.
    var now = Strip();
    var before1 = Strip();
    var before2 = Strip();
    var before3 = Strip();
    var before4 = Strip();
    for (var turn = 0u; turn < params.rows + (FILTER - 1u) / STRIDE; turn++) {
      before4 = before3;
      before3 = before2;
      before2 = before1;
      before1 = now;
      let ho = begin + turn;
      let outputs = (n * params.outH + min(ho, params.outH - 1u)) * params.outW + u32(wo);
      // Rows of the next chunk are not this one's: all their outputs are left out.
      now = load_strip(outputs * params.channels + channel, select(4u, shared_outputs, ho < end));
      let h = ho * STRIDE - params.padTop;
      let start = (n * params.inH + h) * params.inW * params.channels + channel;
      if (h < below) {
        let row = load_row(column, start);
        w0 = correlate_on(w0, row, now);
        if (STRIDE == 1u) {
          w1 = correlate_on(w1, row, before1);
          w2 = correlate_on(w2, row, before2);
          if (FILTER == 5u) {
            w3 = correlate_on(w3, row, before3);
            w4 = correlate_on(w4, row, before4);
          }
        }
        if (STRIDE == 2u) {
          w2 = correlate_on(w2, row, before1);
          if (FILTER == 5u) {
            w4 = correlate_on(w4, row, before2);
          }
        }
      }
      // At stride 2 the next row meets the odd rows of the filter.
      if (STRIDE == 2u) {
        if (h + 1u < below) {
          let row = load_row(column, start + params.inW * params.channels);
          w1 = correlate_on(w1, row, now);
          if (FILTER == 5u) {
            w3 = correlate_on(w3, row, before1);
          }
        }
      }
    }
  }
  if (part < params.parts) {
    store_row(part, 0u, channel, w0);
    store_row(part, 1u, channel, w1);
    store_row(part, 2u, channel, w2);
    if (FILTER == 5u) {
      store_row(part, 3u, channel, w3);
      store_row(part, 4u, channel, w4);
    }
  }
}

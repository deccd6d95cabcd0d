// The body of depthwise_conv2d_forward_v3: see there. Who includes this declares `finish(strip, i)`, what becomes of a
// strip whose first output goes to the index i, and `put(i, v)`, which stores an output there.
//!include strip.wgsl
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

struct Params {
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
  channels: u32, // in Values
  padTop: u32,
  padLeft: u32,
  rows: u32,     // of outputs that a thread makes
  strips: u32,   // across an output row
  chunks: u32,   // down an output column
  size: u32,     // batch · chunks · strips · channels: threads with work
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> w: array<Value>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include load_row.wgsl
//!include filter_row.wgsl
//!include store_strip.wgsl

struct Filter {
  w0: FilterRow,
  w1: FilterRow,
  w2: FilterRow,
  w3: FilterRow,
  w4: FilterRow,
}

// The sums under way, of the rows of outputs still open: the first is the next to be done.
struct Open {
  first: Strip,
  second: Strip,
  third: Strip,
  fourth: Strip,
}

// A thread's image, first column, channel and rows of outputs.
struct Walker {
  n: u32,
  wo: u32,
  channel: u32,
  begin: u32,
  end: u32,
}

// Row p of the padded image goes into the open rows. A row beyond the thread's last opens some that nobody finishes.
fn turn(open: Open, p: u32, w: Filter, columns: Columns, at: Walker) -> Open {
  let row = load_row(place(at.n, i32(p) - i32(params.padTop), params.inH, params.inW), columns);
  var next = open;
  var done = Strip();
  let is_last = (STRIDE == 1u) | (p % 2u == 0u);
  if (STRIDE == 1u) {
    if (FILTER == 3u) {
      done = taps_on(open.first, row, w.w2);
      next.first = taps_on(open.second, row, w.w1);
      next.second = taps(row, w.w0);
    }
    if (FILTER == 5u) {
      done = taps_on(open.first, row, w.w4);
      next.first = taps_on(open.second, row, w.w3);
      next.second = taps_on(open.third, row, w.w2);
      next.third = taps_on(open.fourth, row, w.w1);
      next.fourth = taps(row, w.w0);
    }
  } else {
    if (is_last) {
      if (FILTER == 3u) {
        done = taps_on(open.first, row, w.w2);
        next.first = taps(row, w.w0);
      }
      if (FILTER == 5u) {
        done = taps_on(open.first, row, w.w4);
        next.first = taps_on(open.second, row, w.w2);
        next.second = taps(row, w.w0);
      }
    } else {
      if (FILTER == 3u) {
        next.first = taps_on(open.first, row, w.w1);
      }
      if (FILTER == 5u) {
        next.first = taps_on(open.first, row, w.w3);
        next.second = taps_on(open.second, row, w.w1);
      }
    }
  }
  let ho = (p + 1u - FILTER) / STRIDE;
  if (is_last & (p + 1u >= at.begin * STRIDE + FILTER) & (ho < at.end)) {
    let start = (at.n * params.outH + ho) * params.outW;
    let i = (start + at.wo) * params.channels + at.channel;
    store_strip(start, i32(at.wo), params.outW, at.channel, finish(done, i));
  }
  return next;
}

// The strip of outputs that piece number `piece` is, in one Value of channels.
fn forward(piece: u32, channel: u32) {
  let strip = piece % params.strips;
  let chunk = piece / params.strips % params.chunks;
  let n = piece / params.strips / params.chunks;
  var weights: Filter;
  weights.w0 = filter_row(0u, channel);
  weights.w1 = filter_row(1u, channel);
  weights.w2 = filter_row(2u, channel);
  if (FILTER == 5u) {
    weights.w3 = filter_row(3u, channel);
    weights.w4 = filter_row(4u, channel);
  }
  let wo = strip * STRIP;
  let columns = columns_from(i32(wo * STRIDE) - i32(params.padLeft), params.inW, channel);
  let begin = chunk * params.rows;
  let end = min(begin + params.rows, params.outH);
  own_norm = norm_of(channel, params.channels);
  let at = Walker(n, wo, channel, begin, end);
  var open = Open();
  // As many turns as the filter has rows: then each open row is again in the registers that it had.
  for (var p = max(begin * STRIDE, params.padTop); p < (end - 1u) * STRIDE + FILTER; p += FILTER) {
    open = turn(open, p, weights, columns, at);
    open = turn(open, p + 1u, weights, columns, at);
    open = turn(open, p + 2u, weights, columns, at);
    if (FILTER == 5u) {
      open = turn(open, p + 3u, weights, columns, at);
      open = turn(open, p + 4u, weights, columns, at);
    }
  }
}

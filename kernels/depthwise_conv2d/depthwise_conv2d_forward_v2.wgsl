// y[n, ho, wo, c] = Σ_{r,s} x[n, ho·STRIDE + r − padTop, wo·STRIDE + s − padLeft, c] · w[r, s, c]
//
// v2: every pixel is loaded once for all the outputs of a strip, down a column of them. A thread owns a strip of
// outputs and walks `rows` rows down; the filter stays in registers, and each row of x that it loads goes at once into
// every output row that sees it: the sums under way (`first`, `second`, ..) are those of the output rows still open. v1
// loads each pixel FILTER² times. Every turn of the loop loads one row, at stride 2 as well: on a CPU a load is so much
// code that two rows of them do not fit its cache of instructions. With FLIP it is the input gradient at stride 1,
// which is a convolution of dy with the filter turned round.
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
//!include ../epilogue/epilogue.wgsl

fn put(i: u32, v: Value) {
  out[i] = Out(storable(v));
}

// The epilogue over a strip whose first output goes to the index `i`.
fn finish(strip: Strip, i: u32, own: Operands) -> Strip {
  let next = params.channels;
  var y: Strip;
  y.a = epilogue(strip.a, i, own);
  y.b = epilogue(strip.b, i + next, own);
  if (STRIP == 4u) {
    y.c = epilogue(strip.c, i + 2u * next, own);
    y.d = epilogue(strip.d, i + 3u * next, own);
  }
  return y;
}

fn select_row(no: FilterRow, yes: FilterRow, which: bool) -> FilterRow {
  return FilterRow(
    select(no.a, yes.a, which),
    select(no.b, yes.b, which),
    select(no.c, yes.c, which),
    select(no.d, yes.d, which),
    select(no.e, yes.e, which),
  );
}

fn select_strip(no: Strip, yes: Strip, which: bool) -> Strip {
  return Strip(
    select(no.a, yes.a, which),
    select(no.b, yes.b, which),
    select(no.c, yes.c, which),
    select(no.d, yes.d, which),
  );
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.size) {
    return;
  }
  let channel = t % params.channels;
  let strip = t / params.channels % params.strips;
  let chunk = t / params.channels / params.strips % params.chunks;
  let n = t / params.channels / params.strips / params.chunks;
  let w0 = filter_row(0u, channel);
  let w1 = filter_row(1u, channel);
  let w2 = filter_row(2u, channel);
  var w3: FilterRow;
  var w4: FilterRow;
  if (FILTER == 5u) {
    w3 = filter_row(3u, channel);
    w4 = filter_row(4u, channel);
  }
  let wo = strip * STRIP;
  let columns = columns_from(i32(wo * STRIDE) - i32(params.padLeft), params.inW, channel);
  let begin = chunk * params.rows;
  let end = min(begin + params.rows, params.outH);
  let own = channel_operands(channel, params.channels);
  own_norm = norm_of(channel, params.channels);
  var first: Strip;
  var second: Strip;
  var third: Strip;
  var fourth: Strip;
  // Rows of the padded image; those above x are left out.
  for (var p = max(begin * STRIDE, params.padTop); p < (end - 1u) * STRIDE + FILTER; p++) {
    let row = load_row(place(n, i32(p) - i32(params.padTop), params.inH, params.inW), columns);
    var done = Strip();
    let is_last = (STRIDE == 1u) | (p % 2u == 0u);
    if (STRIDE == 1u) {
      if (FILTER == 3u) {
        done = add(first, taps(row, w2));
        first = add(second, taps(row, w1));
        second = taps(row, w0);
      } else {
        done = add(first, taps(row, w4));
        first = add(second, taps(row, w3));
        second = add(third, taps(row, w2));
        third = add(fourth, taps(row, w1));
        fourth = taps(row, w0);
      }
    } else {
      // An even row is the last of a window, the first of another, and meets the even rows of the filter; an odd one
      // meets the odd rows.
      if (FILTER == 3u) {
        done = add(first, taps(row, select_row(w1, w2, is_last)));
        first = select_strip(done, taps(row, w0), is_last);
      } else {
        done = add(first, taps(row, select_row(w3, w4, is_last)));
        let next = add(second, taps(row, select_row(w1, w2, is_last)));
        first = select_strip(done, next, is_last);
        second = select_strip(next, taps(row, w0), is_last);
      }
    }
    if (is_last & (p + 1u >= begin * STRIDE + FILTER)) {
      let ho = (p + 1u - FILTER) / STRIDE;
      let start = (n * params.outH + ho) * params.outW;
      store_strip(start, i32(wo), params.outW, channel, finish(done, (start + wo) * params.channels + channel, own));
    }
  }
}

// dx[n, h, w, c] = Σ_{r,s} dy[n, (h + padTop − r)/2, (w + padLeft − s)/2, c] · w[r, s, c]
// over the taps that give whole numbers
//
// v2, for stride 2 (at stride 1 it is forward_v2 with FLIP): in rows and columns counted from the padded image's
// corner, even ones see the filter's even taps and odd ones the odd taps, so no tap is tried in vain. A thread owns a
// strip of four columns, the first of them even, and walks down `rows` pairs of rows; each row of dy that it loads goes
// at once into every row of dx that it reaches.
//!include strip.wgsl
alias Dy = Value; // how these are stored: Values, or as f16
alias Out = Value;

struct Params {
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
  channels: u32, // in Values
  padTop: u32,
  padLeft: u32,
  rows: u32,     // pairs of rows that a thread makes
  strips: u32,   // across a row of dx
  chunks: u32,   // down a column of dx
  size: u32,     // batch · chunks · strips · channels: threads with work
}

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> w: array<Value>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include filter_row.wgsl
//!include store_strip.wgsl

fn put(i: u32, v: Value) {
  out[i] = Out(storable(v));
}

fn load(at: Place, column: i32, channel: u32) -> Value {
  return select(Value(0.0), Value(dy[pixel(at, column) * params.channels + channel]), inside(at, column));
}

// What one row of dy (its columns b − 2 .. b + 1) and one row of the filter give to the columns 2b .. 2b + 3 of a row
// of dx.
fn spread(d: Strip, w: FilterRow) -> Strip {
  var x = Strip(d.c * w.a + d.b * w.c, d.c * w.b, d.d * w.a + d.c * w.c, d.d * w.b);
  if (FILTER == 5u) {
    x.a += d.a * w.e;
    x.b += d.b * w.d;
    x.c += d.b * w.e;
    x.d += d.c * w.d;
  }
  return x;
}

// x on which they are added.
fn spread_on(x: Strip, d: Strip, w: FilterRow) -> Strip {
  if (CHAINED == 0u) {
    return add(x, spread(d, w));
  }
  var y = Strip(x.a + d.c * w.a + d.b * w.c, x.b + d.c * w.b, x.c + d.d * w.a + d.c * w.c, x.d + d.d * w.b);
  if (FILTER == 5u) {
    y.a += d.a * w.e;
    y.b += d.b * w.d;
    y.c += d.b * w.e;
    y.d += d.c * w.d;
  }
  return y;
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
  // Pairs of columns and rows in the padded image: pair b holds 2b and 2b + 1. The first pair is the first that has a
  // pixel of x.
  let b = i32(params.padLeft / 2u + strip * 2u);
  let column = b * 2 - i32(params.padLeft);
  let begin = i32(params.padTop / 2u + chunk * params.rows);
  let end = min(begin + i32(params.rows), i32((params.inH + params.padTop + 1u) / 2u));
  var even: Strip;
  var evenNext: Strip;
  var odd: Strip;
  for (var pair = begin - i32((FILTER - 1u) / 2u); pair < end; pair++) {
    let at = place(n, pair, params.outH, params.outW);
    var d = Strip(Value(0.0), load(at, b - 1, channel), load(at, b, channel), load(at, b + 1, channel));
    if (FILTER == 5u) {
      d.a = load(at, b - 2, channel);
    }
    let doneEven = spread_on(even, d, w0);
    var doneOdd = Strip();
    if (FILTER == 3u) {
      doneOdd = spread(d, w1);
      even = spread(d, w2);
    } else {
      doneOdd = spread_on(odd, d, w1);
      even = spread_on(evenNext, d, w2);
      odd = spread(d, w3);
      evenNext = spread(d, w4);
    }
    let h = pair * 2 - i32(params.padTop);
    if (pair >= begin && h >= 0) {
      store_strip((n * params.inH + u32(h)) * params.inW, column, params.inW, channel, doneEven);
    }
    if (pair >= begin && h + 1 < i32(params.inH)) {
      store_strip((n * params.inH + u32(h + 1)) * params.inW, column, params.inW, channel, doneOdd);
    }
  }
}

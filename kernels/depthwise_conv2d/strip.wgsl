// The pieces of the fast depthwise kernels. A Strip is four neighbouring pixels of a row, or two, a FilterRow one row
// of the filter, a Row the pixels that a strip's windows see: FILTER of them for the first output and STRIDE more for
// each of the others. All are named fields, so that they live in registers; what FILTER, STRIDE and STRIP do not need
// is never touched.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it

override FILTER: u32 = 3; // 3 or 5
override STRIDE: u32 = 1; // 1 or 2
override STRIP: u32 = 4; // outputs of a strip: 4 or 2
// 1 adds each product to what was there before, in one instruction of a GPU; 0 adds up what a row gives first.
override CHAINED: u32 = 0;
override PIXELS: u32 = STRIDE * (STRIP - 1) + FILTER; // pixels of a Row

struct Strip {
  a: Value,
  b: Value,
  c: Value,
  d: Value,
}

struct FilterRow {
  a: Value,
  b: Value,
  c: Value,
  d: Value,
  e: Value,
}

struct Row {
  a: Value,
  b: Value,
  c: Value,
  d: Value,
  e: Value,
  f: Value,
  g: Value,
  h: Value,
  i: Value,
  j: Value,
  k: Value,
}

fn add(p: Strip, q: Strip) -> Strip {
  var sum: Strip;
  sum.a = p.a + q.a;
  sum.b = p.b + q.b;
  if (STRIP == 4u) {
    sum.c = p.c + q.c;
    sum.d = p.d + q.d;
  }
  return sum;
}

// One window of a row of pixels: of five, or of the first three.
fn window(a: Value, b: Value, c: Value, d: Value, e: Value, w: FilterRow) -> Value {
  var y = a * w.a + b * w.b + c * w.c;
  if (FILTER == 5u) {
    y += d * w.d + e * w.e;
  }
  return y;
}

// What one row of pixels and one row of the filter give to a strip: out[j] = Σ_s x[j·STRIDE + s]·w[s].
fn taps(x: Row, w: FilterRow) -> Strip {
  var y: Strip;
  if (STRIDE == 1u) {
    y.a = window(x.a, x.b, x.c, x.d, x.e, w);
    y.b = window(x.b, x.c, x.d, x.e, x.f, w);
    if (STRIP == 4u) {
      y.c = window(x.c, x.d, x.e, x.f, x.g, w);
      y.d = window(x.d, x.e, x.f, x.g, x.h, w);
    }
  } else {
    y.a = window(x.a, x.b, x.c, x.d, x.e, w);
    y.b = window(x.c, x.d, x.e, x.f, x.g, w);
    if (STRIP == 4u) {
      y.c = window(x.e, x.f, x.g, x.h, x.i, w);
      y.d = window(x.g, x.h, x.i, x.j, x.k, w);
    }
  }
  return y;
}

// y on which a window of a row is added.
fn window_on(y: Value, a: Value, b: Value, c: Value, d: Value, e: Value, w: FilterRow) -> Value {
  let sum = y + a * w.a + b * w.b + c * w.c;
  if (FILTER == 5u) {
    return sum + d * w.d + e * w.e;
  }
  return sum;
}

fn taps_on(before: Strip, x: Row, w: FilterRow) -> Strip {
  if (CHAINED == 0u) {
    return add(before, taps(x, w));
  }
  var y: Strip;
  if (STRIDE == 1u) {
    y.a = window_on(before.a, x.a, x.b, x.c, x.d, x.e, w);
    y.b = window_on(before.b, x.b, x.c, x.d, x.e, x.f, w);
    if (STRIP == 4u) {
      y.c = window_on(before.c, x.c, x.d, x.e, x.f, x.g, w);
      y.d = window_on(before.d, x.d, x.e, x.f, x.g, x.h, w);
    }
  } else {
    y.a = window_on(before.a, x.a, x.b, x.c, x.d, x.e, w);
    y.b = window_on(before.b, x.c, x.d, x.e, x.f, x.g, w);
    if (STRIP == 4u) {
      y.c = window_on(before.c, x.e, x.f, x.g, x.h, x.i, w);
      y.d = window_on(before.d, x.g, x.h, x.i, x.j, x.k, w);
    }
  }
  return y;
}

// The pixels that one tap of the filter meets, times the strip's cotangents.
fn product(a: Value, b: Value, c: Value, d: Value, strip: Strip) -> Value {
  var w = a * strip.a + b * strip.b;
  if (STRIP == 4u) {
    w += c * strip.c + d * strip.d;
  }
  return w;
}

// What one row of pixels and a strip of cotangents give to one row of the filter: w[s] = Σ_j x[j·STRIDE + s]·d[j].
fn correlate(x: Row, d: Strip) -> FilterRow {
  var w: FilterRow;
  if (STRIDE == 1u) {
    w.a = product(x.a, x.b, x.c, x.d, d);
    w.b = product(x.b, x.c, x.d, x.e, d);
    w.c = product(x.c, x.d, x.e, x.f, d);
    if (FILTER == 5u) {
      w.d = product(x.d, x.e, x.f, x.g, d);
      w.e = product(x.e, x.f, x.g, x.h, d);
    }
  } else {
    w.a = product(x.a, x.c, x.e, x.g, d);
    w.b = product(x.b, x.d, x.f, x.h, d);
    w.c = product(x.c, x.e, x.g, x.i, d);
    if (FILTER == 5u) {
      w.d = product(x.d, x.f, x.h, x.j, d);
      w.e = product(x.e, x.g, x.i, x.k, d);
    }
  }
  return w;
}

fn sum_rows(p: FilterRow, q: FilterRow) -> FilterRow {
  return FilterRow(p.a + q.a, p.b + q.b, p.c + q.c, p.d + q.d, p.e + q.e);
}

// Where a row of an image is read: zeros outside, by a clamped index rather than a branch.
struct Place {
  start: u32,   // of the row, in pixels
  width: i32,
  inside: bool, // whether the row lies in the image
}

fn place(image: u32, row: i32, height: u32, width: u32) -> Place {
  let near = u32(clamp(row, 0, i32(height) - 1));
  return Place((image * height + near) * width, i32(width), (row >= 0) & (row < i32(height)));
}

// With & rather than &&, which would be two branches for every load.
fn inside(at: Place, column: i32) -> bool {
  return at.inside & (column >= 0) & (column < at.width);
}

fn pixel(at: Place, column: i32) -> u32 {
  return at.start + u32(clamp(column, 0, at.width - 1));
}

// The pieces of the fast depthwise kernels. A Strip is four neighbouring pixels of a row, a FilterRow one row of the filter, a Row the
// pixels that a strip's windows see: FILTER of them for the first output and STRIDE more for each of the others. All are named fields, so that
// they live in registers; what FILTER and STRIDE do not need is never touched.
alias Value = vec4<f32>;

override FILTER: u32 = 3; // 3 or 5
override STRIDE: u32 = 1; // 1 or 2

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
  return Strip(p.a + q.a, p.b + q.b, p.c + q.c, p.d + q.d);
}

// What one row of pixels and one row of the filter give to a strip: out[j] = Σ_s x[j·STRIDE + s]·w[s].
fn taps(x: Row, w: FilterRow) -> Strip {
  var y: Strip;
  if (STRIDE == 1u) {
    y.a = x.a * w.a + x.b * w.b + x.c * w.c;
    y.b = x.b * w.a + x.c * w.b + x.d * w.c;
    y.c = x.c * w.a + x.d * w.b + x.e * w.c;
    y.d = x.d * w.a + x.e * w.b + x.f * w.c;
    if (FILTER == 5u) {
      y.a += x.d * w.d + x.e * w.e;
      y.b += x.e * w.d + x.f * w.e;
      y.c += x.f * w.d + x.g * w.e;
      y.d += x.g * w.d + x.h * w.e;
    }
  } else {
    y.a = x.a * w.a + x.b * w.b + x.c * w.c;
    y.b = x.c * w.a + x.d * w.b + x.e * w.c;
    y.c = x.e * w.a + x.f * w.b + x.g * w.c;
    y.d = x.g * w.a + x.h * w.b + x.i * w.c;
    if (FILTER == 5u) {
      y.a += x.d * w.d + x.e * w.e;
      y.b += x.f * w.d + x.g * w.e;
      y.c += x.h * w.d + x.i * w.e;
      y.d += x.j * w.d + x.k * w.e;
    }
  }
  return y;
}

// What one row of pixels and a strip of cotangents give to one row of the filter: w[s] = Σ_j x[j·STRIDE + s]·d[j].
fn correlate(x: Row, d: Strip) -> FilterRow {
  var w: FilterRow;
  if (STRIDE == 1u) {
    w.a = x.a * d.a + x.b * d.b + x.c * d.c + x.d * d.d;
    w.b = x.b * d.a + x.c * d.b + x.d * d.c + x.e * d.d;
    w.c = x.c * d.a + x.d * d.b + x.e * d.c + x.f * d.d;
    if (FILTER == 5u) {
      w.d = x.d * d.a + x.e * d.b + x.f * d.c + x.g * d.d;
      w.e = x.e * d.a + x.f * d.b + x.g * d.c + x.h * d.d;
    }
  } else {
    w.a = x.a * d.a + x.c * d.b + x.e * d.c + x.g * d.d;
    w.b = x.b * d.a + x.d * d.b + x.f * d.c + x.h * d.d;
    w.c = x.c * d.a + x.e * d.b + x.g * d.c + x.i * d.d;
    if (FILTER == 5u) {
      w.d = x.d * d.a + x.f * d.b + x.h * d.c + x.j * d.d;
      w.e = x.e * d.a + x.g * d.b + x.i * d.c + x.k * d.d;
    }
  }
  return w;
}

// Where a row of an image is read: zeros outside, by a clamped index rather than a branch.
struct Place {
  start: u32,   // of the row, in pixels
  width: i32,
  inside: bool, // whether the row lies in the image
}

fn place(image: u32, row: i32, height: u32, width: u32) -> Place {
  return Place((image * height + u32(clamp(row, 0, i32(height) - 1))) * width, i32(width), (row >= 0) & (row < i32(height)));
}

// With & rather than &&, which would be two branches for every load.
fn inside(at: Place, column: i32) -> bool {
  return at.inside & (column >= 0) & (column < at.width);
}

fn pixel(at: Place, column: i32) -> u32 {
  return at.start + u32(clamp(column, 0, at.width - 1));
}

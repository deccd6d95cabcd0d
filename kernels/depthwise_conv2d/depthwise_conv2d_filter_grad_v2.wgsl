// partial[p, r, s, c] = Σ x[n, ho·STRIDE + r − padTop, wo·STRIDE + s − padLeft, c] · dy[n, ho, wo, c]
// over the outputs (n, ho, wo) of part p
//
// v2: the whole filter's sums stay in registers while a thread walks down strips of outputs: a row of x is loaded once
// and meets every row of dy whose windows see it, and those are kept from one step to the next. v1 loads x and dy anew
// for every tap. A piece is a strip of `rows` output rows; a part is `share` pieces that follow one another.
// kernels/reduce adds the parts in a fixed order. A thread owns the filter of one Value of channels in one part.
//!include filter_parts.wgsl
//!include load_row.wgsl

fn load_dy(at: Place, column: i32, channel: u32) -> Value {
  return select(Value(0.0), Value(dy[pixel(at, column) * params.channels + channel]), inside(at, column));
}

fn load_strip(at: Place, column: i32, channel: u32) -> Strip {
  var strip: Strip;
  strip.a = load_dy(at, column, channel);
  strip.b = load_dy(at, column + 1, channel);
  if (STRIP == 4u) {
    strip.c = load_dy(at, column + 2, channel);
    strip.d = load_dy(at, column + 3, channel);
  }
  return strip;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  let part = t / params.channels;
  if (part >= params.parts) {
    return;
  }
  let channel = t % params.channels;
  own_norm = norm_of(channel, params.channels);
  var w0: FilterRow;
  var w1: FilterRow;
  var w2: FilterRow;
  var w3: FilterRow;
  var w4: FilterRow;
  for (var piece = part * params.share; piece < min((part + 1u) * params.share, params.pieces); piece++) {
    let strip = piece % params.strips;
    let chunk = piece / params.strips % params.chunks;
    let n = piece / params.strips / params.chunks;
    let wo = i32(strip * STRIP);
    let columns = columns_from(wo * i32(STRIDE) - i32(params.padLeft), params.inW, channel);
    let begin = chunk * params.rows;
    let end = min(begin + params.rows, params.outH);
    // The cotangents of an output row and of those before it, while rows of x that they see are still to come.
    var now = Strip();
    var before1 = Strip();
    var before2 = Strip();
    var before3 = Strip();
    var before4 = Strip();
    // Rows of the padded image; those below x are left out.
    for (var p = begin * STRIDE; p < min((end - 1u) * STRIDE + FILTER, params.inH + params.padTop); p++) {
      let is_first = (STRIDE == 1u) | (p % 2u == 0u); // of a window
      if (is_first) {
        before4 = before3;
        before3 = before2;
        before2 = before1;
        before1 = now;
        // Rows of the next chunk are not this one's: they count as outside.
        let ho = p / STRIDE;
        now = load_strip(place(n, select(-1, i32(ho), ho < end), params.outH, params.outW), wo, channel);
      }
      let row = load_row(place(n, i32(p) - i32(params.padTop), params.inH, params.inW), columns);
      if (STRIDE == 1u) {
        w0 = sum_rows(w0, correlate(row, now));
        w1 = sum_rows(w1, correlate(row, before1));
        w2 = sum_rows(w2, correlate(row, before2));
        if (FILTER == 5u) {
          w3 = sum_rows(w3, correlate(row, before3));
          w4 = sum_rows(w4, correlate(row, before4));
        }
      } else {
        // A row that is the first of a window meets the even rows of the filter, another one the odd rows.
        let recent = correlate(row, now);
        let former = correlate(row, before1);
        if (is_first) {
          w0 = sum_rows(w0, recent);
          w2 = sum_rows(w2, former);
          if (FILTER == 5u) {
            w4 = sum_rows(w4, correlate(row, before2));
          }
        } else {
          w1 = sum_rows(w1, recent);
          if (FILTER == 5u) {
            w3 = sum_rows(w3, former);
          }
        }
      }
    }
  }
  store_row(part, 0u, channel, w0);
  store_row(part, 1u, channel, w1);
  store_row(part, 2u, channel, w2);
  if (FILTER == 5u) {
    store_row(part, 3u, channel, w3);
    store_row(part, 4u, channel, w4);
  }
}

// dx[n, h, w, c] = Σ dy[n, ho, wo, c] over the windows whose maximum is x[n, h, w, c]; of equal values the first in the
// window has it
//
// A gather: nothing is stored by the forward pass and no two threads write to one place. That (h, w) holds the maximum
// is seen by looking through the window again: no earlier value is as large and no later one is larger.
// A thread owns one Value of dx.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how these are stored: Values, or as f16
alias Dy = Value;
alias Out = Value;

//!include window.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> dy: array<Dy>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ../include/numbers.wgsl

// 1 where another pixel of the window is its maximum rather than `mine`, else 0. A NaN is larger than every number.
fn beats(other: Value, mine: Value, earlier: bool) -> Value {
  let equal = Value(select(0.0, 1.0, earlier));
  let number = select(select(Value(0.0), equal, other == mine), Value(1.0), other > mine);
  return if_nan(mine, if_nan(other, equal, Value(0.0)), if_nan(other, Value(1.0), number));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  let p = params;
  if (t >= p.batch * p.inH * p.inW * p.channels) {
    return;
  }
  let c = t % p.channels;
  let pixel = t / p.channels;
  let myColumn = pixel % p.inW;
  let myRow = pixel / p.inW % p.inH;
  let n = pixel / p.inW / p.inH;
  let mine = Value(x[t]);
  var sum = Value(0.0);
  let over = windows_over(myRow, down());
  let beside = windows_over(myColumn, across());
  for (var ho = over.first; ho < over.end; ho++) {
    let rows = window_span(ho, down());
    for (var wo = beside.first; wo < beside.end; wo++) {
      if (!window_sees(ho, myRow, down()) || !window_sees(wo, myColumn, across())) {
        continue;
      }
      let columns = window_span(wo, across());
      var cotangent = Value(dy[((n * p.outH + ho) * p.outW + wo) * p.channels + c]);
      for (var h = rows.first; h < rows.end; h += p.dilationH) {
        for (var w = columns.first; w < columns.end; w += p.dilationW) {
          let other = Value(x[((n * p.inH + h) * p.inW + w) * p.channels + c]);
          let earlier = h < myRow || (h == myRow && w < myColumn);
          cotangent = select(cotangent, Value(0.0), beats(other, mine, earlier) > Value(0.0));
        }
      }
      sum += cotangent;
    }
  }
  out[t] = Out(storable(sum));
}

// out[begin + i] = scale · Σ_r x[r, i]      for several x [length, inner], each with a stretch of `out` of its own
//
// Sums that nobody waits for, by one launch: the parts of gradients (engine/program/joins.ts). Each is made as by
// reduce.wgsl or reduce_wide.wgsl, to the same bits: threads below each other in a workgroup take every depth-th row of
// a column and add up what they have. A workgroup owns `columns` neighbours of one of the sums.
alias Value = vec4<f32>; // four neighbours along the inner dimension, or one element where 4 does not divide it
alias X0 = Value; // how these are stored: Values, or as f16
alias X1 = Value;
alias X2 = Value;
alias X3 = Value;
alias X4 = Value;
alias X5 = Value;
alias X6 = Value;

const THREADS = 128u;

struct Params {
  count: u32,
  // Of each sum: its first workgroup, inner in Values, length, columns of a workgroup.
  sums: array<vec4<u32>, 7>,
  // Of each sum: its first Value in `out`, the bits of its scale.
  places: array<vec4<u32>, 7>,
}

@group(0) @binding(0) var<storage, read> x0: array<X0>;
@group(0) @binding(1) var<storage, read> x1: array<X1>;
@group(0) @binding(2) var<storage, read> x2: array<X2>;
@group(0) @binding(3) var<storage, read> x3: array<X3>;
@group(0) @binding(4) var<storage, read> x4: array<X4>;
@group(0) @binding(5) var<storage, read> x5: array<X5>;
@group(0) @binding(6) var<storage, read> x6: array<X6>;
@group(0) @binding(7) var<storage, read_write> out: array<Value>;
@group(0) @binding(8) var<uniform> params: Params;

//!include ../include/grid.wgsl

var<workgroup> piled: array<Value, THREADS>;

// Of the numbers first, first + step, ... up to end, of one of the tensors.
fn sum_of(tensor: u32, first: u32, end: u32, step: u32) -> Value {
  var sum = Value(0.0);
  switch (tensor) {
    case 0u: { for (var i = first; i < end; i += step) { sum += Value(x0[i]); } }
    case 1u: { for (var i = first; i < end; i += step) { sum += Value(x1[i]); } }
    case 2u: { for (var i = first; i < end; i += step) { sum += Value(x2[i]); } }
    case 3u: { for (var i = first; i < end; i += step) { sum += Value(x3[i]); } }
    case 4u: { for (var i = first; i < end; i += step) { sum += Value(x4[i]); } }
    case 5u: { for (var i = first; i < end; i += step) { sum += Value(x5[i]); } }
    default: { for (var i = first; i < end; i += step) { sum += Value(x6[i]); } }
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let g = flat_workgroup(group, groups);
  var s = 0u;
  for (var next = 1u; next < params.count && params.sums[next].x <= g; next++) {
    s = next;
  }
  let own = params.sums[s];
  let columns = own.w;
  let i = (g - own.x) * columns + lane % columns;
  var end = 0u;
  if (i < own.y) {
    end = own.y * own.z;
  }
  piled[lane] = sum_of(s, i + lane / columns * own.y, end, THREADS / columns * own.y);
  workgroupBarrier();
  for (var live = THREADS / 2u; live >= columns; live = live / 2u) {
    if (lane < live) {
      piled[lane] += piled[lane + live];
    }
    workgroupBarrier();
  }
  if (i < own.y && lane < columns) {
    out[params.places[s].x + i] = piled[lane] * bitcast<f32>(params.places[s].y);
  }
}

// out[to + Σ_d i_d·out_d] = x[from + Σ_d i_d·x_d] for all (i0 .. i5) with i_d < n_d, i0 the fastest
//
// Transposes, slices with steps, parts laid into something larger: each is a copy whose two sides step through memory
// differently. Steps may be negative: u32 wraps around. A Value is four neighbours where both sides have them, or one.
// A thread owns OWN Values of the fastest dimension, an OWN-th of it apart: a CPU divides once for all of them.
alias Value = vec4<f32>;
alias X = Value; // how each binding is stored: Values, or as f16
alias Out = Value;

override DIMENSIONS: u32 = 6;
const OWN: u32 = 1; // Values of a thread

struct Params {
  size: u32, // threads
  xFirst: u32,
  outFirst: u32,
  n0: u32, // an OWN-th of the fastest dimension
  n1: u32,
  n2: u32,
  n3: u32,
  n4: u32,
  xOn: u32, // from one Value of a thread to the next, in x and in out
  outOn: u32,
  x0: u32,
  x1: u32,
  x2: u32,
  x3: u32,
  x4: u32,
  x5: u32,
  out0: u32,
  out1: u32,
  out2: u32,
  out3: u32,
  out4: u32,
  out5: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

// A place on both sides, and the index over the dimensions that are left.
struct Place {
  rest: u32,
  x: u32,
  out: u32,
}

// The place once the fastest of the dimensions that are left is taken off.
fn along(at: Place, n: u32, xStep: u32, outStep: u32) -> Place {
  let rest = at.rest / n;
  let i = at.rest - rest * n;
  return Place(rest, at.x + i * xStep, at.out + i * outStep);
}

// The same of the slowest dimension, which is all that is left.
fn last(at: Place, xStep: u32, outStep: u32) -> Place {
  return Place(0u, at.x + at.rest * xStep, at.out + at.rest * outStep);
}

fn place(t: u32) -> Place {
  let start = Place(t, params.xFirst, params.outFirst);
  if (DIMENSIONS == 1u) {
    return last(start, params.x0, params.out0);
  }
  let at0 = along(start, params.n0, params.x0, params.out0);
  if (DIMENSIONS == 2u) {
    return last(at0, params.x1, params.out1);
  }
  let at1 = along(at0, params.n1, params.x1, params.out1);
  if (DIMENSIONS == 3u) {
    return last(at1, params.x2, params.out2);
  }
  let at2 = along(at1, params.n2, params.x2, params.out2);
  if (DIMENSIONS == 4u) {
    return last(at2, params.x3, params.out3);
  }
  let at3 = along(at2, params.n3, params.x3, params.out3);
  if (DIMENSIONS == 5u) {
    return last(at3, params.x4, params.out4);
  }
  return last(along(at3, params.n4, params.x4, params.out4), params.x5, params.out5);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t < params.size) {
    let at = place(t);
    for (var k = 0u; k < OWN; k++) {
      out[at.out + k * params.outOn] = Out(storable(Value(x[at.x + k * params.xOn])));
    }
  }
}

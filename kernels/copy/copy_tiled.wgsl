// out[to + Σ_d i_d·out_d] = x[from + Σ_d i_d·x_d]: as copy_strided.wgsl, where what is contiguous in x is not in out.
//
// `p` neighbours of x lie side by side, `q` neighbours of out do. Read in the order of one, memory is written in the
// order of the other, a line of the cache for each number. So a workgroup owns a tile of 32 by 32 of the two: it reads
// rows along p into its memory and writes columns along q. A column of 33 keeps its threads on different banks. Up to
// four other dimensions tell the tiles' planes apart. A thread owns four numbers.
alias Value = f32;
alias X = Value; // how each binding is stored: Values, or as f16
alias Out = Value;

override DIMENSIONS: u32 = 4;

struct Params {
  tiles: u32,
  xFirst: u32,
  outFirst: u32,
  p: u32,
  q: u32,
  pTiles: u32,
  qTiles: u32,
  outP: u32, // from one of p to the next in out; in x they are neighbours
  xQ: u32, // from one of q to the next in x; in out they are neighbours
  n0: u32,
  n1: u32,
  n2: u32,
  x0: u32,
  x1: u32,
  x2: u32,
  x3: u32,
  out0: u32,
  out1: u32,
  out2: u32,
  out3: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> tile: array<array<Value, 33>, 32>;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

// Where a plane begins on both sides.
struct Plane {
  x: u32,
  out: u32,
}

fn plane(i: u32) -> Plane {
  var rest = i;
  var at = Plane(params.xFirst, params.outFirst);
  if (DIMENSIONS > 1u) {
    let i0 = rest % params.n0;
    rest /= params.n0;
    at = Plane(at.x + i0 * params.x0, at.out + i0 * params.out0);
  }
  if (DIMENSIONS > 2u) {
    let i1 = rest % params.n1;
    rest /= params.n1;
    at = Plane(at.x + i1 * params.x1, at.out + i1 * params.out1);
  }
  if (DIMENSIONS > 3u) {
    let i2 = rest % params.n2;
    rest /= params.n2;
    at = Plane(at.x + i2 * params.x2, at.out + i2 * params.out2);
  }
  return Plane(at.x + rest * params.x3, at.out + rest * params.out3);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups);
  // The same for all threads of a workgroup: none of them waits for the others.
  if (t >= params.tiles) {
    return;
  }
  let at = plane(t / (params.pTiles * params.qTiles));
  let p0 = t % params.pTiles * 32u;
  let q0 = t / params.pTiles % params.qTiles * 32u;
  let fast = lane % 32u;
  let slow = lane / 32u;
  for (var k = slow; k < 32u; k += 8u) {
    if (p0 + fast < params.p && q0 + k < params.q) {
      tile[k][fast] = Value(x[at.x + (q0 + k) * params.xQ + p0 + fast]);
    }
  }
  workgroupBarrier();
  for (var k = slow; k < 32u; k += 8u) {
    if (p0 + k < params.p && q0 + fast < params.q) {
      out[at.out + (p0 + k) * params.outP + q0 + fast] = Out(storable(tile[fast][k]));
    }
  }
}

// out[first + p] = 0 where every number of part p of pieces of x0 to x6 is finite, else NaN
//
// What an optimizer looks at before it changes anything. Numbers are taken as their bits, because WGSL lets a compiler
// assume that NaN and infinity do not happen. Applied to its own results until one is left. A part is `share` numbers
// of a piece, or what is left of it: what lies unused between two pieces is not looked at.
// A workgroup owns a part.
struct Params {
  first: u32,
  parts: u32,
  share: u32,
  count: u32, // of pieces
  // Of each piece: its buffer, its first number, the one behind its last, and its first part.
  pieces: array<vec4<u32>, 64>,
}

@group(0) @binding(0) var<storage, read> x0: array<u32>;
@group(0) @binding(1) var<storage, read> x1: array<u32>;
@group(0) @binding(2) var<storage, read> x2: array<u32>;
@group(0) @binding(3) var<storage, read> x3: array<u32>;
@group(0) @binding(4) var<storage, read> x4: array<u32>;
@group(0) @binding(5) var<storage, read> x5: array<u32>;
@group(0) @binding(6) var<storage, read> x6: array<u32>;
@group(0) @binding(7) var<storage, read_write> out: array<u32>;
@group(0) @binding(8) var<uniform> params: Params;

//!include ../include/grid.wgsl

fn bits_at(buffer: u32, i: u32) -> u32 {
  switch (buffer) {
    case 0u: { return x0[i]; }
    case 1u: { return x1[i]; }
    case 2u: { return x2[i]; }
    case 3u: { return x3[i]; }
    case 4u: { return x4[i]; }
    case 5u: { return x5[i]; }
    default: { return x6[i]; }
  }
}

var<workgroup> found_by: array<u32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = flat_workgroup(group, groups);
  var piece = params.pieces[0];
  for (var p = 1u; p < params.count && params.pieces[p].w <= part; p++) {
    piece = params.pieces[p];
  }
  let begin = piece.y + (part - piece.w) * params.share;
  let end = min(begin + params.share, piece.z);
  var found = 0u;
  for (var i = begin + lane; i < end; i += 64u) {
    // Infinity and NaN: their exponents are all ones.
    found |= select(0u, 1u, (bits_at(piece.x, i) & 0x7f800000u) == 0x7f800000u);
  }
  found_by[lane] = found;
  workgroupBarrier();
  for (var live = 32u; live > 0u; live = live / 2u) {
    if (lane < live) {
      found_by[lane] |= found_by[lane + live];
    }
    workgroupBarrier();
  }
  if (part < params.parts && lane == 0u) {
    out[params.first + part] = found_by[0] * 0x7fc00000u;
  }
}

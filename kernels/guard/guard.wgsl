// out[p] = 0 where every number of part p of x0 to x6 is finite, else NaN
//
// What an optimizer looks at before it changes anything. Numbers are taken as their bits, because WGSL lets a compiler
// assume that NaN and infinity do not happen. Applied to its own results until one is left.
// A thread owns a part, or the 64 of a workgroup share it: `DEPTH` neighbours of every parts·DEPTH of each tensor. A
// tensor that is not there has the size 0.
override DEPTH: u32 = 1u; // threads of a part: 1, or 64

struct Params {
  size0: u32,
  size1: u32,
  size2: u32,
  size3: u32,
  size4: u32,
  size5: u32,
  size6: u32,
  parts: u32,
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

// 1 for infinity and NaN, whose exponents are all ones.
fn is_not_finite(bits: u32) -> u32 {
  return select(0u, 1u, (bits & 0x7f800000u) == 0x7f800000u);
}

var<workgroup> found_by: array<u32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = flat_workgroup(group, groups) * 64u + lane;
  let part = thread / DEPTH;
  let step = params.parts * DEPTH;
  var found = 0u;
  for (var i = thread; i < params.size0; i += step) { found |= is_not_finite(x0[i]); }
  for (var i = thread; i < params.size1; i += step) { found |= is_not_finite(x1[i]); }
  for (var i = thread; i < params.size2; i += step) { found |= is_not_finite(x2[i]); }
  for (var i = thread; i < params.size3; i += step) { found |= is_not_finite(x3[i]); }
  for (var i = thread; i < params.size4; i += step) { found |= is_not_finite(x4[i]); }
  for (var i = thread; i < params.size5; i += step) { found |= is_not_finite(x5[i]); }
  for (var i = thread; i < params.size6; i += step) { found |= is_not_finite(x6[i]); }
  if (DEPTH == 64u) {
    found_by[lane] = found;
    workgroupBarrier();
    for (var live = 32u; live > 0u; live = live / 2u) {
      if (lane < live) {
        found_by[lane] |= found_by[lane + live];
      }
      workgroupBarrier();
    }
    found = found_by[lane]; // of all, for the first
  }
  if (part < params.parts && lane % DEPTH == 0u) {
    out[part] = found * 0x7fc00000u;
  }
}

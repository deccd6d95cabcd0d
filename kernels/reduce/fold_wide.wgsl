// out[o, p, i] = the largest, the smallest or the product of x[o, p + k·parts, i]
// x is [outer, length, inner], out [outer, parts, inner]. A NaN wins.
//
// What fold.wgsl computes, as reduce_wide.wgsl does.
alias Value = vec4<f32>; // four neighbours along the inner dimension, or one element where 4 does not divide it
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include params.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ../include/numbers.wgsl
//!include ../include/depth.wgsl
//!include wide.wgsl
//!include fold_two.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let mine = column_of(flat_workgroup(group, groups), lane);
  var folded = neutral();
  for (var i = mine.first; i < mine.end; i += mine.step) {
    folded = fold_two(folded, Value(x[i]));
  }
  // As sum_depth of include/depth.wgsl.
  piled[lane] = folded;
  workgroupBarrier();
  for (var live = THREADS / 2u; live >= COLUMNS; live = live / 2u) {
    if (lane < live) {
      piled[lane] = fold_two(piled[lane], piled[lane + live]);
    }
    workgroupBarrier();
  }
  if (mine.inside && lane < COLUMNS) {
    out[mine.out] = Out(storable(piled[lane]));
  }
}

// out[o, p, i] = scale · Σ_k x[o, p + k·parts, i]      x is [outer, length, inner], out [outer, parts, inner]
//
// What reduce.wgsl computes, where a GPU has more threads than there are sums: those below each other in a workgroup
// (include/depth.wgsl) take every DEPTH-th row of a part and add up what they have. Fixed order, no atomics.
alias Value = vec4<f32>; // four neighbours along the inner dimension, or one element where 4 does not divide it
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include params.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ../include/depth.wgsl
//!include wide.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let mine = column_of(flat_workgroup(group, groups), lane);
  var sum = Value(0.0);
  for (var i = mine.first; i < mine.end; i += mine.step) {
    sum += Value(x[i]);
  }
  sum_depth(sum, lane);
  if (mine.inside && lane < COLUMNS) {
    out[mine.out] = Out(storable(piled[lane] * params.scale));
  }
}

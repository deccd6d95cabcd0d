// out[o, p, i] = scale · Σ_k x[o, p + k·parts, i]·y[o, p + k·parts, i]
// x and y are [outer, length, inner], out [outer, parts, inner].
//
// What reduce_products.wgsl computes, as reduce_wide.wgsl does.
alias Value = vec4<f32>; // four neighbours along the inner dimension, or one element where 4 does not divide it
alias X = Value; // how these are stored: Values, or as f16
alias Y = Value;
alias Out = Value;

//!include params.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> y: array<Y>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

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
    sum += Value(x[i]) * Value(y[i]);
  }
  sum_depth(sum, lane);
  if (mine.inside && lane < COLUMNS) {
    out[mine.out] = Out(storable(piled[lane] * params.scale));
  }
}

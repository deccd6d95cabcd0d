// out[i] = epilogue(Σ_p x[p, i])      x is [parts, M, N]: a product whose sums were made in parts
//
// Adds the parts up in their order, and ends with what follows the product (epilogue.wgsl): that would be a pass of its
// own. A thread owns one Value.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias Out = Value; // how it is stored: Values, or as f16

struct Params {
  size: u32, // of the product, in Values
  columns: u32, // N in Values
  parts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Value>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ../epilogue/epilogue.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * 64u + lane;
  if (i >= params.size) {
    return;
  }
  var sum = Value(0.0);
  for (var p = 0u; p < params.parts; p++) {
    sum += x[p * params.size + i];
  }
  out[i] = Out(storable(epilogue(sum, i, channel_operands(i % params.columns, params.columns))));
}

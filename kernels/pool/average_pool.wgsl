// y[n, ho, wo, c] = Σ x[n, h, w, c] over the window (window.wgsl) / count
// A thread owns one Value of y.
alias Value = vec4<f32>;
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include window.wgsl
//!include count.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  let p = params;
  if (t >= p.batch * p.outH * p.outW * p.channels) {
    return;
  }
  let c = t % p.channels;
  let pixel = t / p.channels;
  let ho = pixel / p.outW % p.outH;
  let wo = pixel % p.outW;
  let rows = window_span(ho, down());
  let columns = window_span(wo, across());
  let image = pixel / p.outW / p.outH * p.inH;
  var sum = Value(0.0);
  for (var h = rows.first; h < rows.end; h += p.dilationH) {
    for (var w = columns.first; w < columns.end; w += p.dilationW) {
      sum += Value(x[((image + h) * p.inW + w) * p.channels + c]);
    }
  }
  out[t] = Out(storable(sum / window_count(ho, wo)));
}

// dx[n, h, w, c] = Σ dy[n, ho, wo, c] / count(ho, wo) over the windows (window.wgsl) that see (h, w)
// A gather. A thread owns one Value of dx.
alias Value = vec4<f32>;
alias Dy = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include window.wgsl
//!include count.wgsl

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
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
  if (t >= p.batch * p.inH * p.inW * p.channels) {
    return;
  }
  let c = t % p.channels;
  let pixel = t / p.channels;
  let n = pixel / p.inW / p.inH;
  let myRow = pixel / p.inW % p.inH;
  let myColumn = pixel % p.inW;
  let rows = windows_over(myRow, down());
  let columns = windows_over(myColumn, across());
  var sum = Value(0.0);
  for (var ho = rows.first; ho < rows.end; ho++) {
    for (var wo = columns.first; wo < columns.end; wo++) {
      if (window_sees(ho, myRow, down()) && window_sees(wo, myColumn, across())) {
        sum += Value(dy[((n * p.outH + ho) * p.outW + wo) * p.channels + c]) / window_count(ho, wo);
      }
    }
  }
  out[t] = Out(storable(sum));
}

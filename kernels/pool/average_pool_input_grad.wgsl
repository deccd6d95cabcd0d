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
  let down = windows_over(pixel / p.inW % p.inH, p.strideH, p.padTop, p.sizeH, p.outH);
  let across = windows_over(pixel % p.inW, p.strideW, p.padLeft, p.sizeW, p.outW);
  var sum = Value(0.0);
  for (var ho = down.first; ho < down.end; ho++) {
    let rows = window_span(ho, p.strideH, p.padTop, p.sizeH, p.inH);
    for (var wo = across.first; wo < across.end; wo++) {
      let columns = window_span(wo, p.strideW, p.padLeft, p.sizeW, p.inW);
      sum += Value(dy[((n * p.outH + ho) * p.outW + wo) * p.channels + c]) / window_count(rows, columns);
    }
  }
  out[t] = Out(storable(sum));
}

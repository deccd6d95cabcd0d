// dx[n, h, w, c] = Σ dy[n, ho, wo, c] / count(ho, wo) over the windows (adaptive.wgsl) that see (h, w)
// A gather. A thread owns one Value of dx.
alias Value = vec4<f32>;
alias Dy = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include adaptive.wgsl

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
  let down = shared_span(pixel / p.inW % p.inH, p.inH, p.outH);
  let across = shared_span(pixel % p.inW, p.inW, p.outW);
  let image = pixel / p.inW / p.inH * p.outH;
  var sum = Value(0.0);
  for (var ho = down.first; ho < down.end; ho++) {
    let rows = shared_span(ho, p.outH, p.inH);
    for (var wo = across.first; wo < across.end; wo++) {
      let columns = shared_span(wo, p.outW, p.inW);
      let count = (rows.end - rows.first) * (columns.end - columns.first);
      sum += Value(dy[((image + ho) * p.outW + wo) * p.channels + c]) / f32(count);
    }
  }
  out[t] = Out(storable(sum));
}

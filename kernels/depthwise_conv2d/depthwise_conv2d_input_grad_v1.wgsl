// dx[n, h, w, c] = Σ_{r,s} dy[n, ho, wo, c] · w[r, s, c]      over the taps for which
// ho = (h + padTop − r·dilationH)/strideH and wo = (w + padLeft − s·dilationW)/strideW are whole and inside dy
//
// v1: the formula as it stands, as a gather, so that no two threads write to one place. A thread owns one Value of dx.
alias Value = vec4<f32>;
alias Dy = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> dy: array<Dy>;
@group(0) @binding(1) var<storage, read> w: array<Value>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let column = pixel % p.inW;
  let h = pixel / p.inW % p.inH;
  let n = pixel / p.inW / p.inH;
  var sum = Value(0.0);
  for (var r = 0u; r < p.filterH; r++) {
    let down = i32(h + p.padTop) - i32(r * p.dilationH);
    let ho = down / i32(p.strideH);
    if (down < 0 || ho * i32(p.strideH) != down || ho >= i32(p.outH)) {
      continue;
    }
    let image = (n * p.outH + u32(ho)) * p.outW;
    for (var s = 0u; s < p.filterW; s++) {
      let right = i32(column + p.padLeft) - i32(s * p.dilationW);
      let wo = right / i32(p.strideW);
      if (right < 0 || wo * i32(p.strideW) != right || wo >= i32(p.outW)) {
        continue;
      }
      sum += Value(dy[(image + u32(wo)) * p.channels + c]) * w[(r * p.filterW + s) * p.channels + c];
    }
  }
  out[t] = Out(storable(sum));
}

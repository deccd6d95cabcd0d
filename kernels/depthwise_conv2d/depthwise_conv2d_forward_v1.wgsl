// y[n, ho, wo, c] = Σ_{r,s} x[n, ho·strideH + r·dilationH − padTop, wo·strideW + s·dilationW − padLeft, c] · w[r, s, c]
//
// v1: the formula as it stands, for every filter size, stride and dilation. A thread owns one Value of y.
alias Value = vec4<f32>;
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
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
  if (t >= p.batch * p.outH * p.outW * p.channels) {
    return;
  }
  let c = t % p.channels;
  let pixel = t / p.channels;
  let wo = pixel % p.outW;
  let ho = pixel / p.outW % p.outH;
  let n = pixel / p.outW / p.outH;
  var sum = Value(0.0);
  for (var r = 0u; r < p.filterH; r++) {
    let h = i32(ho * p.strideH + r * p.dilationH) - i32(p.padTop);
    if (h < 0 || h >= i32(p.inH)) {
      continue;
    }
    let image = (n * p.inH + u32(h)) * p.inW;
    for (var s = 0u; s < p.filterW; s++) {
      let column = i32(wo * p.strideW + s * p.dilationW) - i32(p.padLeft);
      if (column < 0 || column >= i32(p.inW)) {
        continue;
      }
      sum += Value(x[(image + u32(column)) * p.channels + c]) * w[(r * p.filterW + s) * p.channels + c];
    }
  }
  out[t] = Out(storable(sum));
}

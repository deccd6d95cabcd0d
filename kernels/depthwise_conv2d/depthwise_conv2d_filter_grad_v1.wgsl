// partial[p, r, s, c] = Σ_{(n, ho) ∈ part p} Σ_wo x[n, h, w, c] · dy[n, ho, wo, c]
// with h = ho·strideH + r·dilationH − padTop and w = wo·strideW + s·dilationW − padLeft
//
// v1: the formula as it stands, with the sum over output rows (n, ho) cut into parts, because the filter alone has too
// few elements to keep an adapter busy. kernels/reduce adds the parts in a fixed order. A thread owns one Value of one
// part.
alias Value = vec4<f32>;
alias X = Value; // how these are stored: Values, or as f16
alias Dy = Value;

//!include geometry.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> dy: array<Dy>;
@group(0) @binding(2) var<storage, read_write> out: array<Value>;
@group(0) @binding(3) var<uniform> params: Params;

//!include ../include/grid.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  let p = params;
  let taps = p.filterH * p.filterW;
  let part = t / p.channels / taps;
  if (part >= p.parts) {
    return;
  }
  let c = t % p.channels;
  let tap = t / p.channels % taps;
  let r = tap / p.filterW;
  let s = tap % p.filterW;
  var sum = Value(0.0);
  for (var row = part; row < p.batch * p.outH; row += p.parts) {
    let h = i32(row % p.outH * p.strideH + r * p.dilationH) - i32(p.padTop);
    if (h < 0 || h >= i32(p.inH)) {
      continue;
    }
    let image = (row / p.outH * p.inH + u32(h)) * p.inW;
    for (var wo = 0u; wo < p.outW; wo++) {
      let column = i32(wo * p.strideW + s * p.dilationW) - i32(p.padLeft);
      if (column >= 0 && column < i32(p.inW)) {
        sum += Value(x[(image + u32(column)) * p.channels + c]) * Value(dy[(row * p.outW + wo) * p.channels + c]);
      }
    }
  }
  out[t] = sum;
}

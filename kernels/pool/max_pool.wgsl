// y[n, ho, wo, c] = max of x[n, h, w, c] over the window (window.wgsl)
// A thread owns one Value of y.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how these are stored: Values, or as f16
alias Out = Value;

// The same numbers as in Params: known to the compiler it unrolls the loops.
override SIZE_H: u32 = 2;
override SIZE_W: u32 = 2;
override DILATION_H: u32 = 1;
override DILATION_W: u32 = 1;

//!include window.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> out: array<Out>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/half.wgsl
//!include ../include/numbers.wgsl

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
  // Wraps below 0 to what lies outside.
  let top = pixel / p.outW % p.outH * p.strideH - p.padTop;
  let left = pixel % p.outW * p.strideW - p.padLeft;
  let image = pixel / p.outW / p.outH * p.inH;
  var lowest = Bits(0xff800000u); // a variable: WGSL has no constant -Infinity
  var best = bitcast<Value>(lowest);
  for (var r = 0u; r < SIZE_H; r++) {
    for (var s = 0u; s < SIZE_W; s++) {
      let h = top + r * DILATION_H;
      let w = left + s * DILATION_W;
      let inside = h < p.inH && w < p.inW;
      let at = ((image + min(h, p.inH - 1u)) * p.inW + min(w, p.inW - 1u)) * p.channels + c;
      best = larger(best, select(best, Value(x[at]), inside));
    }
  }
  out[t] = Out(storable(best));
}

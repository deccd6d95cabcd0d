// dx[n, h, w, c] = dy[n, ho, wo, c] if x[n, h, w, c] is the maximum of window (ho, wo), of equal values the first; else
// 0
//
// For windows that do not overlap, size <= stride, without dilation. Each sees its pixels once, finds where its maximum
// is and writes them all, where the gather of max_pool_input_grad_v1.wgsl goes through the window again for every pixel
// of it.
// A thread owns one Value of one cell: the STRIDE_H x STRIDE_W pixels from a window's first one on; those of a cell
// beyond the last window get 0.
alias Value = vec4<f32>;
alias Bits = vec4<u32>; // as include/numbers.wgsl wants it
alias X = Value; // how these are stored: Values, or as f16
alias Dy = Value;
alias Out = Value;

// The same numbers as in Params: known to the compiler it unrolls the loops.
override SIZE_H: u32 = 2;
override SIZE_W: u32 = 2;
override STRIDE_H: u32 = 2;
override STRIDE_W: u32 = 2;

//!include window.wgsl

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> dy: array<Dy>;
@group(0) @binding(2) var<storage, read_write> out: array<Out>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let cellsDown = (p.inH + p.padTop + STRIDE_H - 1u) / STRIDE_H;
  let cellsAcross = (p.inW + p.padLeft + STRIDE_W - 1u) / STRIDE_W;
  let c = t % p.channels;
  let cell = t / p.channels;
  let wo = cell % cellsAcross;
  let ho = cell / cellsAcross % cellsDown;
  let n = cell / cellsAcross / cellsDown;
  if (n >= p.batch) {
    return;
  }
  // Wraps below 0 to what lies outside.
  let top = ho * STRIDE_H - p.padTop;
  let left = wo * STRIDE_W - p.padLeft;
  let image = n * p.inH;

  var best = Value(0.0);
  var position = Value(-1.0); // of the best within the window; -1: none yet
  for (var r = 0u; r < SIZE_H; r++) {
    for (var s = 0u; s < SIZE_W; s++) {
      let h = top + r;
      let w = left + s;
      let value = Value(x[((image + min(h, p.inH - 1u)) * p.inW + min(w, p.inW - 1u)) * p.channels + c]);
      // A NaN is larger than every number, and none is larger than it.
      let larger_number = select(Value(0.0), Value(1.0), value > best);
      let taken = if_nan(best, Value(0.0), if_nan(value, Value(1.0), larger_number));
      let better = (taken > Value(0.0)) | (position < Value(0.0));
      let inside = h < p.inH && w < p.inW;
      position = select(position, select(position, Value(f32(r * SIZE_W + s)), better), inside);
      best = select(best, select(best, value, better), inside);
    }
  }

  let hasWindow = ho < p.outH && wo < p.outW;
  let cotangent = Value(dy[((n * p.outH + min(ho, p.outH - 1u)) * p.outW + min(wo, p.outW - 1u)) * p.channels + c]);
  for (var r = 0u; r < STRIDE_H; r++) {
    for (var s = 0u; s < STRIDE_W; s++) {
      let h = top + r;
      let w = left + s;
      if (h < p.inH && w < p.inW) {
        let seen = r < SIZE_H && s < SIZE_W && hasWindow;
        let here = select(Value(0.0), cotangent, position == Value(f32(r * SIZE_W + s)));
        out[((image + h) * p.inW + w) * p.channels + c] = Out(storable(select(Value(0.0), here, seen)));
      }
    }
  }
}

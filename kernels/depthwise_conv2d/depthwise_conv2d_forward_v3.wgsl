// y[n, ho, wo, c] = Σ_{r,s} x[n, ho·STRIDE + r − padTop, wo·STRIDE + s − padLeft, c] · w[r, s, c]
//
// v3, for GPUs: v2 with the sums chained (`taps_on`), and as many turns written out as the filter has rows. In a loop
// of one turn each open row moves to the registers of the one before it; here it is back in its own when the loop
// begins again. At stride 2 threads branch, for all of a workgroup mostly do the same, where v2 selects.
//!include forward_chained.wgsl
//!include ../epilogue/epilogue.wgsl

// Of the thread's channels: set by `main`.
var<private> own_operands: Operands;

// The epilogue over a strip whose first output goes to the index `i`.
fn finish(strip: Strip, i: u32) -> Strip {
  let next = params.channels;
  var y: Strip;
  y.a = epilogue(strip.a, i, own_operands);
  y.b = epilogue(strip.b, i + next, own_operands);
  if (STRIP == 4u) {
    y.c = epilogue(strip.c, i + 2u * next, own_operands);
    y.d = epilogue(strip.d, i + 3u * next, own_operands);
  }
  return y;
}

fn put(i: u32, v: Value) {
  out[i] = Out(storable(v));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * 64u + lane;
  if (t >= params.size) {
    return;
  }
  let channel = t % params.channels;
  own_operands = channel_operands(channel, params.channels);
  forward(t / params.channels, channel);
}

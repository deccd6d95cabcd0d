// y[n, ho, wo, c] = Σ_{r,s} x[n, ho·STRIDE + r − padTop, wo·STRIDE + s − padLeft, c] · w[r, s, c]
// partial[p, c] = mean, squares and count of y[n, ho, wo, c] over the pixels of workgroup p
//
// depthwise_conv2d_forward_v3.wgsl with the statistics of what it makes (../batch_norm/summed.wgsl) in place of an
// epilogue.
//!include forward_chained.wgsl

@group(0) @binding(4) var<storage, read_write> partial: array<Value>;

//!include ../batch_norm/summed.wgsl
//!include pieces.wgsl

fn finish(strip: Strip, i: u32) -> Strip {
  return strip;
}

fn put(i: u32, v: Value) {
  let stored = Out(storable(v));
  out[i] = stored;
  follow(Value(stored));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let own = piece_of(flat_workgroup(group, groups), lane);
  if (own.has_work) {
    forward(own.piece, own.channel);
  }
  put_part(own.part, own.channel, params.channels, lane, own.has_part);
}

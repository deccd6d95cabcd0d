// dx[n, h, w, c] = Σ_{r,s} dy[n, h + padTop − r, w + padLeft − s, c] · w[r, s, c]
// partial[p, c] = dγ and dβ of a batch norm that made the convolution's x, over the pixels of workgroup p
//
// For stride 1: depthwise_conv2d_forward_v3.wgsl with FLIP, `x` being dy, and the sums of
// ../batch_norm/grad_summed.wgsl in place of an epilogue.
//!include forward_chained.wgsl

@group(0) @binding(4) var<storage, read_write> partial: array<Value>;
@group(0) @binding(5) var<storage, read> normed: array<Normed>;

//!include ../batch_norm/grad_summed.wgsl
//!include pieces.wgsl

fn finish(strip: Strip, i: u32) -> Strip {
  return strip;
}

fn put(i: u32, v: Value) {
  let stored = Out(storable(v));
  out[i] = stored;
  add_to_sums(i, Value(stored));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let own = piece_of(flat_workgroup(group, groups), lane);
  if (own.has_work) {
    begin_sums(own.channel, params.channels);
    forward(own.piece, own.channel);
  }
  put_sums(own.part, own.channel, params.channels, lane, own.has_part);
}

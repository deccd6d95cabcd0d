// y[n, ho, wo, c] = Σ_{r,s} x[n, ho·STRIDE + r − padTop, wo·STRIDE + s − padLeft, c] · w[r, s, c]
// partial[p, c] = mean, squares and count of y[n, ho, wo, c] over the pixels of workgroup p
//
// depthwise_conv2d_forward_v3.wgsl with the statistics of what it makes (../batch_norm/summed.wgsl) in place of an
// epilogue. A workgroup has COLUMNS Values of channels of DEPTH pieces of the image.
//!include forward_chained.wgsl

@group(0) @binding(4) var<storage, read_write> partial: array<Value>;

//!include ../batch_norm/summed.wgsl

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
  let across = (params.channels + COLUMNS - 1u) / COLUMNS;
  let flat = flat_workgroup(group, groups);
  let part = flat / across;
  let channel = flat % across * COLUMNS + lane % COLUMNS;
  let piece = part * DEPTH + lane / COLUMNS;
  let pieces = params.size / params.channels;
  if (channel < params.channels && piece < pieces) {
    forward(piece, channel);
  }
  put_part(part, channel, params.channels, lane, channel < params.channels && part * DEPTH < pieces);
}

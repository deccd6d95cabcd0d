// dx[n, h, w, c] = Σ_{r,s} dy[n, (h + padTop − r)/2, (w + padLeft − s)/2, c] · w[r, s, c]
// over the taps that give whole numbers
//
// v2, for stride 2 (at stride 1 it is forward_v2 with FLIP): in rows and columns counted from the padded image's
// corner, even ones see the filter's even taps and odd ones the odd taps, so no tap is tried in vain. A thread owns a
// strip of four columns, the first of them even, and walks down `rows` pairs of rows; each row of dy that it loads goes
// at once into every row of dx that it reaches.
//!include input_grad.wgsl

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
  input_grad(t / params.channels, t % params.channels);
}

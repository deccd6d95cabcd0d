// Joins `group` neighbouring partial statistics into one.
// x is [parts, 3, channels], as join.wgsl says; out is [ceil(parts / group), 3, channels]. Repeated until one part is
// left, [2, channels]: its squares are scaled to the variance, and its count is known. A thread owns one channel of one
// output part, or shares it (include/depth.wgsl).
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include combine.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let own = combined(flat_workgroup(group, groups), lane);
  if (own.wanted) {
    let c = params.channels;
    let at = own.part * 3u * c + own.channel;
    out[at] = own.mean;
    out[at + c] = own.squares;
    if (params.group < params.parts) {
      out[at + 2u * c] = own.count;
    }
  }
}

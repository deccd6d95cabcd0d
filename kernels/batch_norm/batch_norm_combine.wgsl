// Joins `group` neighbouring partial statistics into one (join.wgsl).
// x is [parts, 2, channels] as batch_norm_stats.wgsl leaves it, each part from `chunk` rows (the last from what is
// left); out is [ceil(parts / group), 2, channels]. Repeated until one part is left, whose squares are then scaled to
// the variance. A thread owns one channel of one output part, or shares it (include/depth.wgsl).
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
    let at = own.part * 2u * params.channels + own.channel;
    out[at] = own.mean;
    out[at + params.channels] = own.squares;
  }
}

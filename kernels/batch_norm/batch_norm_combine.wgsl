// Joins `group` neighbouring partial statistics into one.
// x is [parts, 3, channels], as join.wgsl says; out is [ceil(parts / group), 3, channels]. Repeated until one part is
// left, [2, channels]: its squares are scaled to the variance, and its count is known. A thread owns one channel of one
// output part, or shares it (include/depth.wgsl).
alias Value = f32;

struct Params {
  channels: u32,
  parts: u32,
  group: u32,
  scale: f32, // of the squares: 1, or 1/rows in the last pass
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

//!include ../include/grid.wgsl
//!include ../include/depth.wgsl
//!include join.wgsl
//!include join_depth.wgsl

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let c = params.channels;
  let t = flat_workgroup(group, groups) * COLUMNS + lane % COLUMNS;
  let first = t / c * params.group;
  let channel = t % c;
  let end = min(first + params.group, params.parts);
  var joined = Part(0.0, 0.0, 0.0);
  var part = first + lane / COLUMNS;
  var i = part * 3u * c + channel;
  while (part < end) {
    joined = join(joined, Part(x[i], x[i + c], x[i + 2u * c]));
    part += DEPTH;
    i += DEPTH * 3u * c;
  }
  if (DEPTH != 1u) {
    join_depth(joined, lane);
    joined = piled_part(lane);
  }
  if (lane < COLUMNS && first < params.parts) {
    let at = t / c * 3u * c + channel;
    out[at] = joined.mean;
    out[at + c] = joined.squares * params.scale;
    if (params.group < params.parts) {
      out[at + 2u * c] = joined.count;
    }
  }
}

// The statistics of what a kernel makes, by the kernel itself, from the numbers as it stores them: so nobody has to read
// them for their mean and variance. Each thread follows those that it stores in its Value of channels; the threads of a
// workgroup that stand below each other (include/depth.wgsl) join theirs, one part a workgroup and Value of channels.
// Who includes this says which binding `partial` is.
//!include ../include/depth.wgsl
//!include join.wgsl
//!include join_depth.wgsl

// Of what the thread has stored.
var<private> own_part: Part;

// A number more (Welford 1962).
fn follow(v: Value) {
  let count = own_part.count + 1.0;
  let delta = v - own_part.mean;
  own_part.mean += delta * (1.0 / count);
  own_part.squares += delta * (v - own_part.mean);
  own_part.count = count;
}

// Channels are counted in Values. To be called by all threads of a workgroup.
fn put_part(part: u32, channel: u32, channels: u32, lane: u32, inside: bool) {
  join_depth(own_part, lane);
  if (lane < COLUMNS && inside) {
    let joined = piled_part(lane);
    let at = part * 3u * channels + channel;
    partial[at] = joined.mean;
    partial[at + channels] = joined.squares;
    partial[at + 2u * channels] = Value(joined.count);
  }
}
